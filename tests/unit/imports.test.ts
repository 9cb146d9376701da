import { spawnSync } from "node:child_process";
import { appendFileSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, relative } from "node:path";

const checkout = join(__dirname, "../..");
const read = (path: string) => readFileSync(join(checkout, path), "utf8");

/** The picture in docs/architecture.md: for each place, the other places of ours that it may import. */
const picture = new Map(
    [...read("docs/architecture.md").matchAll(/^(\S+) +→ {2}(.+)$/gm)].map(([, place = "", others = ""]) => [
        place,
        others.startsWith("nothing") ? [] : others.split(", "),
    ]),
);
const places = [...picture.keys()];

/** A file of a place that the other places import. */
const entrance = (place: string) => (place === "index.ts" ? place : `${place}/entrance.ts`);

/** Each place's import of each other place, in a file of its own; index.ts is one file for all of its imports. */
const pairs = places.flatMap((from) =>
    places
        .filter((to) => to !== from)
        .map((to) => ({
            from,
            to,
            file: from === "index.ts" ? from : `${from}/importsOf${to.replace(".ts", "")}.ts`,
        })),
);

/** The lab's layers in docs/architecture.md, the lowest first. */
const layers = [...read("docs/architecture.md").matchAll(/^(lab\/\S+) {2,}\S/gm)]
    .map(([, layer = ""]) => layer)
    .filter((layer) => layer !== "lab/");

/** A file of a layer. */
const fileOf = (layer: string) => (layer.endsWith(".ts") ? layer : `${layer}/entrance.ts`);

/** Each layer's import of each higher layer. */
const upward = layers.flatMap((from, index) => layers.slice(index + 1).map((to) => ({ from, to })));

/** A project that breaks every rule, one line after the other. */
const lines: [file: string, line: string][] = [
    ...places.map((place): [string, string] => [entrance(place), "export type Thing = string;"]),
    ...pairs.map(({ from, to, file }): [string, string] => {
        const path = `${from === "index.ts" ? "." : ".."}/${entrance(to).replace(/\.ts$/, "")}`;
        return [file, `export type { Thing as ${to.replace(".", "_")} } from "${path}";`];
    }),
    ...layers.map((layer): [string, string] => [fileOf(layer), "export type Thing = string;"]),
    ...upward.map(({ from, to }): [string, string] => {
        const path = relative(dirname(fileOf(from)), fileOf(to)).replace(/^(?!\.)/, "./");
        return [
            fileOf(from),
            `export type { Thing as T${layers.indexOf(to)} } from "${path.replace(".ts", "")}";`,
        ];
    }),
    ["lab/one.ts", 'import type { Two } from "./two";\nexport type One = Two | string;'],
    ["lab/two.ts", 'export type Two = import("./one").One[];'],
    ["model/node.ts", 'import { isIP } from "node:net";\nexport const valid = isIP("::1") > 0;'],
    ["model/package.ts", 'export type { Output } from "@pulumi/pulumi";'],
];

interface Violation {
    from: string;
    to: string;
    rule: { name: string };
}

/** What the rules refuse in that project, by rule. */
function refused(): (isRule: (name: string) => boolean) => string[] {
    const project = mkdtempSync(join(tmpdir(), "aerial-imports-"));
    try {
        for (const [file, line] of lines) {
            mkdirSync(dirname(join(project, file)), { recursive: true });
            appendFileSync(join(project, file), `${line}\n`);
        }
        const program = join(checkout, "node_modules/dependency-cruiser/bin/dependency-cruise.mjs");
        const rules = ["--config", join(checkout, ".dependency-cruiser.cjs"), "--output-type", "json"];
        const { stdout, stderr } = spawnSync(process.execPath, [program, ...rules, ...places], {
            cwd: project,
            encoding: "utf8",
        });
        expect(stderr).toBe("");
        const { violations } = (JSON.parse(stdout) as { summary: { violations: Violation[] } }).summary;
        return (isRule) =>
            violations
                .filter(({ rule }) => isRule(rule.name))
                .map(({ from, to }) => `${from} → ${to}`)
                .sort();
    } finally {
        rmSync(project, { recursive: true });
    }
}

describe("the rules of imports", () => {
    let refusedBy: ReturnType<typeof refused>;

    beforeAll(() => {
        refusedBy = refused();
    });

    it("allow between folders what the architecture's picture shows, and refuse the rest, types too", () => {
        const expected = pairs.filter(({ from, to }) => !picture.get(from)?.includes(to));
        expect(refusedBy((name) => name.endsWith("-imports"))).toEqual(
            expected.map(({ file, to }) => `${file} → ${entrance(to)}`).sort(),
        );
    });

    it("refuse files that import each other, if only for types", () => {
        expect(refusedBy((name) => name === "no-cycle")).toEqual(["lab/one.ts → lab/two.ts"]);
    });

    it("refuse imports of a higher layer of the lab, in the order that the architecture shows", () => {
        // A folder that is no layer might import any of them.
        expect([...layers].sort()).toEqual(
            readdirSync(join(checkout, "lab"), { withFileTypes: true })
                .filter((entry) => entry.isDirectory() || entry.name.endsWith(".ts"))
                .map(({ name }) => `lab/${name}`)
                .sort(),
        );
        expect(refusedBy((name) => name.endsWith("-is-below"))).toEqual(
            upward.map(({ from, to }) => `${fileOf(from)} → ${fileOf(to)}`).sort(),
        );
    });

    it("refuse packages and Node.js in model", () => {
        expect(refusedBy((name) => name === "model-is-plain")).toEqual([
            "model/node.ts → net",
            "model/package.ts → @pulumi/pulumi",
        ]);
    });

    it("are applied to everything that TypeScript compiles", () => {
        const { include } = JSON.parse(read("tsconfig.json")) as { include: string[] };
        const { scripts } = JSON.parse(read("package.json")) as { scripts: { imports: string } };
        const [, applied = ""] = scripts.imports.split(".cjs ");
        expect(applied.split(" ").sort()).toEqual([...include].sort());
        expect([...places].sort()).toEqual([...include].sort());
    });
});
