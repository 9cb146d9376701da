"use strict";

/**
 * Which of our folders a folder may import, besides itself; type-only imports count. The smallest list that is true:
 * docs/architecture.md shows it, and tests/unit/imports.test.ts compares both.
 */
const mayImport = {
    model: [],
    config: ["model"],
    components: ["model"],
    "index.ts": ["model", "config", "components"],
    lab: ["model"],
    tools: ["model", "config", "lab"],
    tests: ["model", "config", "components", "index.ts", "lab", "tools"],
};

/**
 * What is in lab/, from the lowest layer to the highest: each may import only what stands before it.
 * docs/architecture.md shows it, and tests/unit/imports.test.ts compares both.
 */
const labLayers = [
    "paths.ts",
    "workstation",
    "network",
    "cloud",
    "cloudless",
    "authority.ts",
    "machines",
    "acme",
    "digitalocean",
    "cloudflare",
    "amazon",
    "engine",
    "radio",
    "cli",
];

const inLab = (...layers) =>
    `^lab/(${layers.map((layer) => (layer.endsWith(".ts") ? layer.replace(".", "\\.") : `${layer}/`)).join("|")})`;

const pathOf = (place) => (place === "index.ts" ? "index\\.ts$" : `${place}/`);

/** A pattern for all files of these places. */
const within = (...places) => `^(${places.map(pathOf).join("|")})`;

const ours = Object.keys(mayImport);

/** @type {import("dependency-cruiser").IConfiguration} */
module.exports = {
    forbidden: [
        {
            name: "no-cycle",
            comment:
                "Files that import each other in a circle: move what they share to a file that both import.",
            severity: "error",
            from: {},
            to: { circular: true },
        },
        {
            name: "model-is-plain",
            comment:
                "model/ holds plain types and facts: no package and nothing of Node.js, Pulumi least of all.",
            severity: "error",
            from: { path: within("model") },
            to: { pathNot: within(...ours) },
        },
        ...Object.entries(mayImport).map(([place, others]) => ({
            name: `${place}-imports`,
            comment: `${place} may import ${others.join(", ") || "nothing of ours"}.`,
            severity: "error",
            from: { path: within(place) },
            to: { path: within(...ours), pathNot: within(place, ...others) },
        })),
        ...labLayers.slice(0, -1).map((layer, index) => ({
            name: `lab-${layer}-is-below`,
            comment: `lab/${layer} may not import a higher layer of the lab: ${labLayers.slice(index + 1).join(", ")}.`,
            severity: "error",
            from: { path: inLab(layer) },
            to: { path: inLab(...labLayers.slice(index + 1)) },
        })),
    ],
    options: {
        // Types count, though nothing of them is left at run time.
        tsPreCompilationDeps: true,
        doNotFollow: { path: "node_modules" },
    },
};
