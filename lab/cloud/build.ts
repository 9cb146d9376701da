import { chmodSync, mkdirSync, readFileSync } from "node:fs";
import { createRequire, isBuiltin } from "node:module";
import { dirname, join } from "node:path";

import { build, type Plugin } from "esbuild";

import { writeAtomically } from "../workstation/files";
import { checkout, labFolder, labPath } from "../paths";
import { providerFolders, providerNames, type ProviderName } from "./packages";

/*
 * Providers start once for every `up`, so each is bundled into one file: 150 ms to the first answer instead of 500 by
 * tsx. The engine finds them as `pulumi-resource-<name>` on its PATH.
 */

/** In parts: this file is bundled itself, by a provider that starts programs. */
const folderVariable = ["__", "dirname"].join("");

/** Files that ask where they are get the answer of their source, not of the bundle. */
const sourceFolders: Plugin = {
    name: "source-folders",
    setup(build) {
        build.onLoad({ filter: /\/lab\/.*\.ts$/ }, ({ path }) => ({
            loader: "ts",
            contents: readFileSync(path, "utf8").replaceAll(folderVariable, JSON.stringify(dirname(path))),
        }));
    },
};

/** As the checkout's own modules find packages; this file may run from a bundle anywhere. */
const { resolve } = createRequire(join(checkout, "package.json"));

/** Packages stay where npm put them, wherever the bundle lies: a bundle with them would be 8 MB, and slower. */
const packagesOutside: Plugin = {
    name: "packages-outside",
    setup(build) {
        build.onResolve({ filter: /^[@a-z]/ }, ({ path }) =>
            isBuiltin(path) ? undefined : { path: resolve(path), external: true },
        );
    },
};

function quoted(word: string): string {
    return `'${word.replaceAll("'", "'\\''")}'`;
}

function entry(name: ProviderName, version: string): string {
    return [
        `import { ${name} } from "../${providerFolders[name]}/index";`,
        `import { serve } from "./protocol/serve";`,
        `void serve(${name}, ${JSON.stringify(version)});`,
    ].join("\n");
}

/** The version of the SDK that the program uses, which the provider answers for. */
function sdkVersion(name: string): string {
    const file = join(checkout, "node_modules", "@pulumi", name, "package.json");
    const { version } = JSON.parse(readFileSync(file, "utf8")) as { version: string };
    return version;
}

/** Bundles a program, given as text that imports what does the work. Returns the script's path. */
async function bundleProgram(name: string, contents: string): Promise<string> {
    const result = await build({
        stdin: { contents, resolveDir: __dirname, sourcefile: `${name}.ts`, loader: "ts" },
        bundle: true,
        platform: "node",
        target: "node20",
        plugins: [sourceFolders, packagesOutside],
        write: false,
        logLevel: "silent",
    });
    const script = labPath("build", `${name}.js`);
    writeAtomically(script, result.outputFiles[0]?.text ?? "", 0o644);
    return script;
}

/** Builds a program of the lab, named by its module as seen from here, which exports `main`. */
export function buildProgram(name: string, module: string): Promise<string> {
    return bundleProgram(name, `import { main } from ${JSON.stringify(module)};\nvoid main();\n`);
}

async function bundle(name: ProviderName): Promise<void> {
    const script = await bundleProgram(name, entry(name, sdkVersion(name)));
    const words = [process.execPath, script].map(quoted);
    const start = `#!/bin/sh\nAERIAL_LAB=${quoted(labFolder)} exec ${words.join(" ")} "$@"\n`;
    writeAtomically(labPath("bin", `pulumi-resource-${name}`), start, 0o755);
    chmodSync(labPath("bin", `pulumi-resource-${name}`), 0o755);
}

/** Builds all providers, and returns the folder with their executables. */
export async function buildProviders(): Promise<string> {
    mkdirSync(labPath("bin"), { recursive: true });
    await Promise.all(providerNames.map(bundle));
    return labPath("bin");
}
