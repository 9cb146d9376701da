"use strict";

/**
 * The kinds of tests. `npm test` runs all of them; `npx jest --selectProjects unit` one.
 *
 * - unit: pure functions and components against mocks
 * - templates: what is rendered, read by the real parsers (Icecast, Liquidsoap, NGINX, systemd, cloud-init)
 * - machines: the lab's machines and networks
 * - sources: what happens to sources on their way through a Master, in real time
 * - engine: prod and preprod by the real Pulumi engine, without machines
 * - browser: the status page in a real browser
 * - drills: a whole station in the lab, broken on purpose; a set of them is a folder with a lab of its own
 */
const timeoutSeconds = {
    unit: 40,
    templates: 120,
    machines: 180,
    sources: 180,
    engine: 300,
    browser: 120,
    drills: 900,
};

/** @type {import("jest").Config} */
module.exports = {
    // Half of the processors: those that start machines or the engine need the other half. `npm test` sets its own.
    maxWorkers: "50%",
    watchman: false,
    projects: Object.entries(timeoutSeconds).map(([name, seconds]) => ({
        displayName: name,
        testMatch: [`<rootDir>/tests/${name}/**/*.test.ts`],
        // Jest takes testTimeout for the whole run only, not for a project.
        globals: { testTimeoutSeconds: seconds },
        setupFilesAfterEnv: [
            "<rootDir>/tests/support/timeout.js",
            ...(["drills", "templates"].includes(name) ? ["<rootDir>/tests/support/turns.ts"] : []),
        ],
        testEnvironment: "node",
        // Only our own folders: the lab's folder holds whole root file systems.
        roots: ["components", "config", "config-templates", "lab", "model", "tests"].map(
            (folder) => `<rootDir>/${folder}`,
        ),
        // Modules are CommonJS, as at run time: component tests load the program anew for each stack.
        transform: {
            "\\.ts$": [
                "@swc/jest",
                {
                    jsc: { parser: { syntax: "typescript" }, target: "es2023" },
                    module: { type: "commonjs" },
                    sourceMaps: "inline",
                },
            ],
        },
    })),
};
