import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { checkout } from "../../lab/paths";
import { formatted } from "../formatted";
import { benchSection, soakSection } from "./markdown";
import type { BenchResult, SoakResult } from "./results";

/** What was measured last, and what docs/bench.md is made from. */
const sources = { bench: "docs/bench.json", soak: "docs/soak.json" };
const document = "docs/bench.md";

/** Keeps a result, and writes docs/bench.md anew. @returns the files that were written. */
export async function keepResult(
    kind: keyof typeof sources,
    result: BenchResult | SoakResult,
): Promise<string[]> {
    const json = await formatted(sources[kind], JSON.stringify(result));
    writeFileSync(join(checkout, json.path), json.text);
    const { path, text } = await benchDocument();
    writeFileSync(join(checkout, path), text);
    return [json.path, path];
}

/** docs/bench.md as it should be. */
export function benchDocument(): Promise<{ path: string; text: string }> {
    const bench = kept(sources.bench) as BenchResult | undefined;
    const soak = kept(sources.soak) as SoakResult | undefined;
    return formatted(document, `${benchSection(bench)}\n${soakSection(soak)}`);
}

function kept(path: string): unknown {
    const file = join(checkout, path);
    return existsSync(file) ? JSON.parse(readFileSync(file, "utf8")) : undefined;
}
