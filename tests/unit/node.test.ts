import { readFileSync } from "node:fs";
import { join } from "node:path";

import { checkNode, leastNodeMajor } from "../../config/node";

describe("the program", () => {
    it("refuses a Node.js that is too old, with what to install", () => {
        expect(() => checkNode("20.20.2")).toThrow(/needs Node\.js 22 or later, and runs on 20\.20\.2/);
        expect(() => checkNode("22.0.0")).not.toThrow();
        expect(() => checkNode("24.1.0")).not.toThrow();
    });

    it("says the same as package.json, by which npm refuses to install", () => {
        const text = readFileSync(join(__dirname, "../../package.json"), "utf8");
        const { engines } = JSON.parse(text) as { engines: { node: string } };
        expect(engines.node).toBe(`>=${leastNodeMajor}`);
        expect(readFileSync(join(__dirname, "../../.npmrc"), "utf8")).toMatch(/^engine-strict=true$/m);
    });
});
