import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

import ts from "typescript";

import { checkout } from "../../lab/paths";

/*
 * The compiler compares the lab's kinds with the SDKs (lab/cloud/sdk.ts). Here it is given SDKs in which properties have
 * other names, as after an update, and must complain in the files of the kinds that still use the old ones.
 */

jest.setTimeout(120_000);

/** By type token: properties that are renamed, where the SDK declares them, and the path by which the error names each. */
const renamed: Readonly<Record<string, { property: string; file: string; path: string }[]>> = {
    "digitalocean:index/volume:Volume": [
        {
            property: "initialFilesystemType",
            file: "digitalocean/volume.d.ts",
            path: "inputs.initialFilesystemType",
        },
    ],
    "digitalocean:index/vpc:Vpc": [
        { property: "vpcUrn", file: "digitalocean/vpc.d.ts", path: "outputs.vpcUrn" },
    ],
    "digitalocean:index/firewall:Firewall": [
        {
            property: "portRange",
            file: "digitalocean/types/input.d.ts",
            path: "inputs.inboundRules[].portRange",
        },
    ],
    "cloudflare:index/loadBalancerPool:LoadBalancerPool": [
        { property: "weight", file: "cloudflare/types/input.d.ts", path: "inputs.origins[].weight" },
        { property: "modifiedOn", file: "cloudflare/loadBalancerPool.d.ts", path: "outputs.modifiedOn" },
    ],
    "aws:ssm/parameter:Parameter": [
        { property: "dataType", file: "aws/ssm/parameter.d.ts", path: "outputs.dataType" },
    ],
    "aws:s3/bucketVersioning:BucketVersioning": [
        {
            property: "versioningConfiguration",
            file: "aws/s3/bucketVersioning.d.ts",
            path: "inputs.versioningConfiguration",
        },
    ],
    "command:remote:Command": [
        { property: "stderr", file: "command/remote/command.d.ts", path: "outputs.stderr" },
    ],
};
const types = Object.keys(renamed);

/** Files below lab/, with their text. The table of behaviours and the list of the SDK's classes name all kinds. */
const texts = readdirSync(join(checkout, "lab"), { recursive: true, encoding: "utf8" })
    .filter((path) => path.endsWith(".ts") && !/^cloud\/(behaviour|sdk)\.ts$/.test(path))
    .map((path) => ({ path, text: readFileSync(join(checkout, "lab", path), "utf8") }));

/** The file that describes a kind. */
function fileOf(type: string): string {
    const found = texts.filter(({ text }) => text.includes(`"${type}"`)).map(({ path }) => path);
    // What sweeps a cloud names its kinds, too.
    const [file, ...others] = found.filter((path) => !path.endsWith("sweep.ts"));
    expect({ type, file, others }).toEqual({ type, file: expect.any(String), others: [] });
    return join(checkout, "lab", file!);
}

const { options } = ts.parseJsonConfigFileContent(
    ts.readConfigFile(join(checkout, "tsconfig.json"), (path) => readFileSync(path, "utf8")).config,
    ts.sys,
    checkout,
);
const host = ts.createCompilerHost(options, true);
const parsed = new Map<string, ts.SourceFile | undefined>();

/** A program of the files of all kinds above. Unless `change` gives another text, files are parsed once for all programs. */
function programOf(change: (path: string) => string | undefined, oldProgram?: ts.Program): ts.Program {
    return ts.createProgram({
        rootNames: types.map(fileOf),
        options,
        oldProgram,
        host: {
            ...host,
            getSourceFile(path, version) {
                const text = change(path);
                if (text !== undefined) {
                    return ts.createSourceFile(path, text, version);
                }
                if (!parsed.has(path)) {
                    parsed.set(path, host.getSourceFile(path, version));
                }
                return parsed.get(path);
            },
        },
    });
}

function complaints(program: ts.Program, type: string): string {
    return program
        .getSemanticDiagnostics(program.getSourceFile(fileOf(type)))
        .map(({ messageText }) => ts.flattenDiagnosticMessageText(messageText, "\n"))
        .join("\n");
}

describe("the compiler", () => {
    const asItIs = programOf(() => undefined);
    const changed = new Set<string>();
    const updated = programOf((path) => {
        const [, below = ""] = path.split("/node_modules/@pulumi/");
        const properties = Object.values(renamed)
            .flat()
            .filter(({ file }) => file === below)
            .map(({ property }) => property);
        if (properties.length === 0) {
            return undefined;
        }
        changed.add(below);
        const declarations = new RegExp(`^(\\s+(?:readonly )?)(${properties.join("|")})(\\??:)`, "gm");
        return readFileSync(path, "utf8").replaceAll(declarations, "$1new_$2$3");
    }, asItIs);

    it.each(types)("finds no difference between %s and the SDK as it is", (type) => {
        expect(complaints(asItIs, type)).toBe("");
    });

    it.each(types)("complains in the file of %s when an SDK has other names", (type) => {
        const said = complaints(updated, type);
        for (const { file, path } of renamed[type]!) {
            expect(changed).toContain(file);
            expect(said).toContain(`"${path}"`);
        }
    });
});
