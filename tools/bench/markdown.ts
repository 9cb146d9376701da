import { warmUpMinutes } from "../soak/growth";
import type { BenchResult, Circumstances, SoakResult, SoakRow } from "./results";

/*
 * docs/bench.md from what was measured. Prettier aligns the tables.
 */

const fixed = (digits: number) => (value: number | null | undefined) =>
    value === null || value === undefined || Number.isNaN(value) ? "–" : value.toFixed(digits);
const whole = fixed(0);
const tenths = fixed(1);

/** A table of Markdown. The first column is text, the others are numbers. */
function table(heading: readonly string[], rows: readonly (readonly string[])[], textColumns = 1): string {
    const rule = heading.map((_, column) => (column < textColumns ? "---" : "--:"));
    return [heading, rule, ...rows].map((cells) => `| ${cells.join(" | ")} |`).join("\n");
}

function describe(circumstances: Circumstances): string {
    const { at, commit, processor, processors, memoryGiB, kernel, loadBefore, versions } = circumstances;
    const programs = Object.entries(versions).map(([name, version]) => `${name} ${version}`);
    return table(
        ["circumstances", ""],
        [
            ["measured", `${at.slice(0, 16).replace("T", " ")} UTC, commit ${commit}`],
            ["workstation", `${processors} × ${processor}, ${memoryGiB} GiB, Linux ${kernel}`],
            ["load before", `${tenths(loadBefore)} (the lab at rest, and what else ran)`],
            ["programs", programs.join(", ")],
        ],
        2,
    );
}

/** The first part of docs/bench.md. */
export function benchSection(result: BenchResult | undefined): string {
    const intro = [
        "# Figures",
        "",
        "Written by `make bench` and `npm run soak` from what they measured last. The whole lab, with the listeners, shares",
        "the processors of one workstation: take ratios of one run, not absolutes.",
        "",
        "## Bench",
        "",
    ];
    if (result === undefined) {
        return [...intro, "Not measured yet: `make bench`.", ""].join("\n");
    }
    const { circumstances, rounds, tries, listeners } = result;
    const parts = [
        ...intro,
        describe(circumstances),
        "",
        `Figures are the median of ${rounds} rounds unless another number is given.`,
        ...firstBytes(result, tries),
        ...rest(result),
        ...cost(result, listeners),
        ...herd(result),
        ...faults(result),
        "",
    ];
    return parts.join("\n");
}

function firstBytes({ firstBytes: rows }: BenchResult, tries: number): string[] {
    if (rows === undefined) {
        return [];
    }
    return [
        "",
        "### First byte",
        "",
        `From the beginning of a connection, in ms. By name, the lookup and the TLS handshake are in it. ${tries} tries a round,`,
        "at random moments, nobody else on.",
        "",
        table(
            ["format", "way", "answer p50", "p95", "audio p50", "p95", "failed"],
            rows.map((row) => [
                row.format,
                row.way,
                ...[row.answerP50, row.answerP95, row.audioP50, row.audioP95, row.failures].map(whole),
            ]),
            2,
        ),
    ];
}

function rest({ rest: rows }: BenchResult): string[] {
    if (rows === undefined) {
        return [];
    }
    return [
        "",
        "### A Relay at rest",
        "",
        "Nobody listens; one measurement of a minute. Processor in per cent of one; memory is PSS.",
        "",
        table(
            ["unit", "processor %", "MiB", "descriptors"],
            rows.map((row) => [
                `\`${row.unit}\``,
                fixed(2)(row.processorPercent),
                tenths(row.memoryMiB),
                whole(row.descriptors),
            ]),
        ),
    ];
}

function cost({ cost: rows }: BenchResult, listeners: number): string[] {
    if (rows === undefined) {
        return [];
    }
    const bare = (format: string): number =>
        rows.find((row) => row.format === format && row.server === "bare Icecast")?.processorPercent ?? NaN;
    return [
        "",
        "### What listeners cost",
        "",
        `${listeners} listeners on the Relay's own machine. The Relay is NGINX, Icecast and the feed together; bare Icecast is the`,
        "package's own configuration on the same machine, with the same mounts from the same upstream. Processor in per cent of one, without what the server",
        "needs with nobody on; memory of processes only, in new ones, one measurement. The load client reads every 200 ms.",
        "",
        table(
            [
                "format",
                "server",
                "processor % per 1,000",
                "against bare",
                "KiB per listener",
                "load client %",
                "lost",
            ],
            rows.map((row) => [
                row.format,
                row.server,
                tenths(row.processorPercent),
                `${fixed(2)(row.processorPercent / bare(row.format))} ×`,
                tenths(row.kibPerListener),
                whole(row.clientPercent),
                whole(row.lost),
            ]),
            2,
        ),
    ];
}

function herd({ herd: rows }: BenchResult): string[] {
    if (rows === undefined) {
        return [];
    }
    return [
        "",
        "### All at once",
        "",
        "Listeners who play leave, and connect anew in the same moment, over TLS with whole handshakes, from the Relay's own",
        "machine. Times to half a second of audio, in ms; the load client needs much of the processors itself.",
        "",
        table(
            ["listeners", "format", "half", "p95", "the last", "failed tries", "load client %"],
            rows.map((row) => [
                String(row.count),
                row.format,
                ...[row.halfMs, row.p95Ms, row.lastMs, row.failures, row.clientPercent].map(whole),
            ]),
            2,
        ),
    ];
}

function faults({ faults: result }: BenchResult): string[] {
    if (result === undefined) {
        return [];
    }
    const { listeners, startSeconds, rows, disconnects, gapSeconds } = result;
    return [
        "",
        "### Faults in a row",
        "",
        `${listeners} listeners stay on while the Master that they hear fails ${rows.length} times; one run. Their buffers held`,
        `${tenths(startSeconds)} s or more at the start. Disconnects: ${disconnects}. Gaps: ${tenths(gapSeconds)} s in all. Seconds of the listener`,
        "with the least:",
        "",
        table(
            ["fault", "lowest buffer", "3 s after, against the start"],
            rows.map((row, n) => [
                `${n + 1}. ${row.fault}`,
                tenths(row.lowestSeconds),
                tenths(row.missingSeconds),
            ]),
        ),
    ];
}

/** The second part of docs/bench.md. */
export function soakSection(result: SoakResult | undefined): string {
    const intro = ["## Soak", ""];
    if (result === undefined) {
        return [...intro, "Not measured yet: `npm run soak -- --hours 1`.", ""].join("\n");
    }
    const { circumstances, hours, seed, samples, moments, happened, listeners, complaints } = result;
    const heading = (last: string[]): string[] => [
        "machine",
        "program",
        ...moments.map((m) => `${whole(m)} min`),
        ...last,
    ];
    const over = (
        pick: (row: SoakRow) => (number | null)[],
        digits: number,
        last: (row: SoakRow) => string[],
    ) => result.rows.map((row) => [row.machine, row.program, ...pick(row).map(fixed(digits)), ...last(row)]);
    return [
        ...intro,
        describe(circumstances),
        "",
        `${fixed(2)(hours)} hours with seed ${seed}, ${samples} samples. ${complaints.length === 0 ? "Passed." : "Failed:"}`,
        ...(complaints.length === 0 ? [] : ["", ...complaints.map((complaint) => `- ${complaint}`)]),
        "",
        `What happened: ${Object.entries(happened)
            .map(([what, times]) => `${what} ${times} ×`)
            .join(", ")}.`,
        "",
        "A rise is that of the second half: the median slope between samples of the same process, times its length. The first",
        `${warmUpMinutes} minutes of a process do not count. A dash: the soak or every process was too short to tell.`,
        "It fails above 5 % and 4 MiB of memory, or 20 % and 8 descriptors; and any restart on a Relay fails.",
        "",
        "### Memory (PSS, MiB)",
        "",
        table(
            heading(["rise", "restarts"]),
            over(
                ({ memoryMiB }) => memoryMiB,
                1,
                (row) => [tenths(row.memoryRiseMiB), whole(row.restarts)],
            ),
            2,
        ),
        "",
        "### Memory by the age of its process (median over all machines, MiB)",
        "",
        table(
            ["program", "minutes", "memory", "processes"],
            Object.entries(result.memoryByAge).flatMap(([program, figures]) =>
                figures.map(({ age, value, processes }) => [
                    program,
                    whole(age),
                    tenths(value),
                    whole(processes),
                ]),
            ),
        ),
        "",
        "### Descriptors",
        "",
        table(
            heading(["rise"]),
            over(
                ({ descriptors }) => descriptors,
                0,
                (row) => [tenths(row.descriptorsRise)],
            ),
            2,
        ),
        "",
        "### Processor (per cent of one, since the moment before)",
        "",
        table(
            heading([]),
            over(
                ({ processorPercent }) => processorPercent,
                1,
                () => [],
            ),
            2,
        ),
        "",
        "### Listeners who stayed on",
        "",
        table(
            ["listener", "disconnects", "gaps (s)", "buffer at the start (s)", "lowest (s)"],
            listeners.map((listener) => [
                listener.name,
                whole(listener.disconnects),
                tenths(listener.gapSeconds),
                tenths(listener.startSeconds),
                tenths(listener.lowestSeconds),
            ]),
        ),
        "",
    ].join("\n");
}
