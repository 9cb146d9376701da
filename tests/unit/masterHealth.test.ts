import { readFileSync } from "node:fs";
import { join } from "node:path";
import { runInThisContext } from "node:vm";

interface Sample {
    atMs: number;
    mounts: Record<string, { bytes: number; listeners: number }>;
}

type JudgeMaster = (
    mounts: string[],
    samples: Sample[],
    nowMs: number,
) => { healthy: boolean; reasons: string[]; mounts: Record<string, string> };

const path = join(__dirname, "..", "..", "config-templates", "machine/health/health.js");
const source = readFileSync(path, "utf8").replace("export default", "return");
const { judgeMaster } = runInThisContext(`(() => {${source}})()`) as { judgeMaster: JudgeMaster };

/** Samples every 2 s until second 10; `bytes` of a mount by second, undefined while it has no source. */
function observed(bytes: Record<string, (second: number) => number | undefined>): Sample[] {
    return [0, 2, 4, 6, 8, 10].map((second) => {
        const mounts: Sample["mounts"] = {};
        for (const [mount, at] of Object.entries(bytes)) {
            const count = at(second);
            if (count !== undefined) {
                mounts[mount] = { bytes: count, listeners: 0 };
            }
        }
        return { atMs: second * 1000, mounts };
    });
}

const grows = (second: number) => 24_000 * second;

describe("a Master is healthy", () => {
    it.each<[string, Record<string, (second: number) => number | undefined>, number, string[]]>([
        ["while every mount advances", { "/a": grows, "/b": grows }, 10_000, []],
        ["as long as the last sample tells of now", { "/a": grows, "/b": grows }, 16_000, []],
        [
            "but not when Icecast has said nothing for longer",
            { "/a": grows, "/b": grows },
            16_001,
            ["Icecast tells nothing about itself"],
        ],
        [
            "but not when a mount is gone",
            { "/a": grows, "/b": (s) => (s < 10 ? grows(s) : undefined) },
            10_000,
            ["/b is not live"],
        ],
        ["but not when a mount stands", { "/a": grows, "/b": () => 5 }, 10_000, ["/b stands still"]],
        [
            "but not before a mount that returns is proven",
            { "/a": grows, "/b": (s) => (s > 6 ? grows(s) : undefined) },
            10_000,
            ["/b is not known to advance yet"],
        ],
    ])("%s", (_what, bytes, nowMs, reasons) => {
        const verdict = judgeMaster(["/a", "/b"], observed(bytes), nowMs);
        expect(verdict).toMatchObject({ healthy: reasons.length === 0, reasons });
    });

    it("but not before anything is known", () => {
        expect(judgeMaster(["/a"], [], 0).healthy).toBe(false);
    });
});
