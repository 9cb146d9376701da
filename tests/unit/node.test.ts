import { readFileSync } from "node:fs";
import { join } from "node:path";

import { checkNode, nodeVersions } from "../../config/node";

describe("the program", () => {
    it("refuses a Node.js that is too old, with what to install", () => {
        expect(() => checkNode("20.20.2")).toThrow(
            /needs Node\.js \^22\.13 \|\| >=24, but runs on 20\.20\.2/,
        );
        for (const version of ["22.12.0", "23.11.0"]) {
            expect(() => checkNode(version)).toThrow(/nothing was created/);
        }
        for (const version of ["22.13.0", "24.0.0", "26.1.0"]) {
            expect(() => checkNode(version)).not.toThrow();
        }
    });

    it("says the same as package.json, by which npm refuses to install", () => {
        const text = readFileSync(join(__dirname, "../../package.json"), "utf8");
        const { engines } = JSON.parse(text) as { engines: { node: string } };
        expect(engines.node).toBe(nodeVersions);
        expect(readFileSync(join(__dirname, "../../.npmrc"), "utf8")).toMatch(/^engine-strict=true$/m);
    });
});
