import { chmodSync, mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";

import { Eta } from "eta";

import { chromiumPath } from "../chromium";
import { buttSettings, liquidsoapScript, type SourceSettings } from "./encoders";
import { fetchOutputs, type SheetOutputs } from "./outputs";

export interface SheetOptions {
    stack?: string;
    outputs?: string;
    /** Names of the sources that are wanted; all of them when empty. */
    source: string[];
    out: string;
    showSecrets: boolean;
    pdf: boolean;
    call: string[];
}

/** The wanted sources of every channel, in the station's order. @throws when one is not there. */
export function sourcesOf(
    outputs: SheetOutputs,
    { showSecrets, source: wanted }: Pick<SheetOptions, "showSecrets" | "source">,
): SourceSettings[] {
    const { station, channels, ingest, ingestPasswords } = outputs;
    const known = new Set(Object.values(ingest.sources).flatMap((sources) => Object.keys(sources)));
    const missing = wanted.filter((name) => !known.has(name));
    if (missing.length > 0) {
        throw new Error(`there is no source ${missing.join(", ")}; there are ${[...known].join(", ")}`);
    }
    const isWanted = ([name]: [string, unknown]): boolean => wanted.length === 0 || wanted.includes(name);
    return Object.entries(ingest.sources).flatMap(([channel, sources]) =>
        Object.entries(sources)
            .filter(isWanted)
            .map(([source, { title, mount, user }]) => ({
                station: station.name,
                channel,
                channelTitle: channels[channel]?.title ?? channel,
                ...{ source, title, mount, user },
                ...{ host: ingest.host, tlsPort: ingest.tlsPort, bitrateKbps: ingest.encoder.bitrateKbps },
                password: showSecrets ? ingestPasswords?.[channel]?.[source] : undefined,
            })),
    );
}

/** The page. @param day the day it was made on, such as 2026-11-28. */
export function sheetHtml(
    outputs: SheetOutputs,
    { call, ...choice }: Pick<SheetOptions, "showSecrets" | "source" | "call">,
    day: string,
): string {
    const { station, channels, ingest, status, shows, machines } = outputs;
    const sources = sourcesOf(outputs, choice);
    const playout = Object.values(machines).find(({ role }) => role === "airtime");
    const eta = new Eta({ views: __dirname, autoEscape: true, autoTrim: false });
    return eta.render("./sheet.html.eta", {
        ...{ station: station.name, ingest, sources, status, call, day },
        channels: Object.values(channels),
        playout: playout?.address ?? "",
        libraries: Object.entries(shows.libraries).map(([id, folder]) => ({
            title: channels[id]?.title ?? id,
            folder,
        })),
        secret: sources.some(({ password }) => password !== undefined),
    });
}

/**
 * Writes the sheet and the encoders' files.
 *
 * @returns their paths.
 * @throws when there are no outputs, they lack something, or there is no Chromium for a PDF.
 */
export async function runStudioSheet(options: SheetOptions): Promise<string[]> {
    const outputs = await fetchOutputs(options);
    if (options.showSecrets && outputs.ingestPasswords === undefined) {
        throw new Error(
            "these outputs have no passwords: make them by `pulumi stack output --json --show-secrets`",
        );
    }
    const html = sheetHtml(outputs, options, new Date().toISOString().slice(0, 10));
    const files: Record<string, string | Buffer> = { "sheet.html": html };
    for (const source of sourcesOf(outputs, options)) {
        const name = `${source.channel}-${source.source}`;
        files[join("butt", `${name}.buttrc`)] = buttSettings(source);
        files[join("liquidsoap", `${name}.liq`)] = liquidsoapScript(source);
    }
    if (options.pdf) {
        files["sheet.pdf"] = await printed(html);
    }
    return Object.entries(files).map(([name, content]) => {
        const path = join(options.out, name);
        mkdirSync(dirname(path), { recursive: true });
        writeFileSync(path, content, { mode: 0o600 });
        chmodSync(path, options.showSecrets ? 0o600 : 0o644);
        return path;
    });
}

/** A page as PDF, of A4. */
export async function printed(html: string): Promise<Buffer> {
    const { chromium } = await import("playwright-core");
    const browser = await chromium
        .launch({ executablePath: chromiumPath(), args: process.getuid?.() === 0 ? ["--no-sandbox"] : [] })
        .catch((error: Error) => {
            const [reason] = error.message.split("\n");
            throw new Error(
                `a PDF needs Chromium: install Debian's package chromium, or name one by AERIAL_CHROMIUM (${reason}); ` +
                    "sheet.html prints from any browser",
            );
        });
    try {
        const page = await browser.newPage();
        await page.setContent(html);
        return await page.pdf({ format: "A4" });
    } finally {
        await browser.close();
    }
}
