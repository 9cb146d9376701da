import fc from "fast-check";

import {
    escapeFor,
    escapeLiquidsoap,
    escapeNginx,
    escapeShell,
    escapeUnit,
    escapeXml,
} from "../../components/machine/escape";
import { renderTemplate } from "../../components/machine/template";
import { execFileSync } from "node:child_process";

describe("escaping", () => {
    it.each([
        [escapeXml, `<a b="c">&'`, "&lt;a b=&quot;c&quot;&gt;&amp;&apos;"],
        [escapeLiquidsoap, 'say "#{secret}" \\', '"say \\"\\x23{secret}\\" \\\\"'],
        [escapeNginx, 'a"b\\c;}', '"a\\"b\\\\c;}"'],
        [escapeShell, "it's", "'it'\\''s'"],
        [escapeUnit, '100% "$HOME"', '"100%% \\"$$HOME\\""'],
    ])("%p keeps the value a value", (escape, value, expected) => {
        expect(escape(value)).toBe(expected);
    });

    it.each([
        ["xml", "a\u0000"],
        ["liquidsoap", "a\nb"],
        ["nginx", "$host"],
        ["nginx", "a\nb"],
        ["unit", "a\nExecStart=/bin/sh"],
        ["shell", "a\u0000"],
    ] as const)("refuses what %s cannot hold: %j", (format, value) => {
        expect(() => escapeFor(format)(value)).toThrow(`cannot be written in a ${format} file`);
    });

    it.each([undefined, null, {}, [], Number.NaN])("refuses %p, which is no value", (value) => {
        expect(() => escapeFor("xml")(value)).toThrow("a value is missing or not plain");
    });

    it("gives a shell exactly the word it was given", () => {
        fc.assert(
            fc.property(fc.string({ unit: "binary", maxLength: 40 }), (word) => {
                fc.pre(!word.includes("\u0000") && Buffer.from(word).toString() === word);
                const out = execFileSync("/bin/sh", ["-c", `printf %s ${escapeShell(word)}`]).toString();
                expect(out).toBe(word);
            }),
            { numRuns: 40 },
        );
    });

    it("never ends a quoted string early", () => {
        fc.assert(
            fc.property(fc.string({ maxLength: 60 }), (value) => {
                fc.pre(!/[$\p{Cc}]/u.test(value));
                for (const escape of [escapeLiquidsoap, escapeNginx, escapeUnit]) {
                    // Without escaped pairs, the only quotes are the first and the last character.
                    expect(escape(value).replace(/\\./g, "")).toMatch(/^"[^"]*"$/);
                }
            }),
        );
    });
});

describe("a template", () => {
    it("that does not exist is named in the error", () => {
        expect(() => renderTemplate("xml", "nowhere/none.eta", {})).toThrow(
            "config-templates/nowhere/none.eta",
        );
    });
});
