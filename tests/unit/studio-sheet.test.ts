import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { buttSettings, liquidsoapScript, passwordPlaceholder } from "../../tools/studioSheet/encoders";
import { readOutputs, type SheetOutputs } from "../../tools/studioSheet/outputs";
import { runStudioSheet, sheetHtml, sourcesOf } from "../../tools/studioSheet/run";
import { reveal } from "../support/mocks";
import { runProgram } from "../support/program";
import { stationConfig } from "../support/station";

/** As `pulumi stack output --json` has them: with `--show-secrets`, or with a word in place of each secret. */
let told: Record<string, unknown>;
let outputs: SheetOutputs;

beforeAll(async () => {
    const { outputs: exported } = await runProgram(stationConfig());
    told = Object.fromEntries(Object.entries(exported).map(([name, value]) => [name, reveal(value)]));
    outputs = readOutputs(JSON.stringify(told));
});

/** Every source, with passwords. */
const all = { showSecrets: true, source: [] };

const withoutSecrets = (): SheetOutputs =>
    readOutputs(JSON.stringify({ ...told, ingestPasswords: "[secret]" }));

const passwords = (): string[] =>
    Object.values(outputs.ingestPasswords ?? {}).flatMap((sources) => Object.values(sources));

/** A file of BUTT as BUTT reads it: what stands before the first section is none's. */
function parsed(text: string): Record<string, Record<string, string>> {
    const sections: Record<string, Record<string, string>> = {};
    let current: Record<string, string> = {};
    for (const line of text.split("\n").filter((one) => one.trim() !== "" && !/^\s*[#;]/.test(one))) {
        const title = /^\[(.*)\]$/.exec(line)?.[1];
        if (title !== undefined) {
            current = sections[title] = {};
            continue;
        }
        const [key = "", ...rest] = line.split("=");
        current[key.trim()] = rest.join("=").trim();
    }
    return sections;
}

describe("the sheet", () => {
    it("has what to type into an encoder, and where listeners play, from the program's own outputs", () => {
        const html = sheetHtml(outputs, { ...all, call: ["Anna: +49 30 1234567"] }, "2026-11-28");
        expect(html).toContain(outputs.ingest.host);
        expect(html).toContain(`<code>${outputs.ingest.tlsPort}</code> with`);
        for (const { mount, user, password } of sourcesOf(outputs, all)) {
            expect([mount, user, password].map((value) => html.includes(`<code>${value}</code>`))).toEqual([
                true,
                true,
                true,
            ]);
        }
        for (const { formats } of Object.values(outputs.channels)) {
            formats.forEach(({ url }) => expect(html).toContain(url));
        }
        expect(html).toContain("Anna: +49 30 1234567");
        expect(html).toContain("whoever has this page can go on air");
    });

    it("has room instead of passwords, unless they are asked for", () => {
        expect(passwords().length).toBeGreaterThan(0);
        for (const known of [outputs, withoutSecrets()]) {
            const html = sheetHtml(known, { source: [], showSecrets: false, call: [] }, "2026-11-28");
            passwords().forEach((password) => expect(html).not.toContain(password));
            expect(html).toContain('class="blank"');
            expect(html).not.toContain("whoever has this page");
        }
    });

    it("shows titles as text, whatever is in them", () => {
        const hostile = { ...outputs, station: { name: `Radio <script>alert("1")</script> & 'Größe'` } };
        const html = sheetHtml(
            hostile,
            { source: [], showSecrets: false, call: ["<b>Bo</b>"] },
            "2026-11-28",
        );
        expect(html).not.toMatch(/<script>|<b>Bo/);
        expect(html).toContain("Größe");
    });
});

describe("settings of encoders", () => {
    it("are found by BUTT: its server's section has all that it refuses to be without", () => {
        for (const source of sourcesOf(outputs, all)) {
            const { main, audio, ...others } = parsed(buttSettings(source));
            expect(main).toMatchObject({ num_of_srv: "1", num_of_icy: "1", force_reconnecting: "1" });
            expect(main?.server).toBe(main?.srv_ent);
            expect(others[main?.srv_ent ?? ""]).toEqual({
                ...{ address: outputs.ingest.host, port: String(outputs.ingest.tlsPort) },
                ...{ type: "1", tls: "1", protocol: "0" },
                ...{ mount: source.mount, usr: source.user, password: source.password },
            });
            expect(others).toHaveProperty([main?.icy_ent ?? ""]);
            expect(audio).toMatchObject({
                codec: "mp3",
                bitrate: String(outputs.ingest.encoder.bitrateKbps),
                channel: "2",
            });
        }
    });

    it("are read by BUTT whatever the station's name is", () => {
        const [source] = sourcesOf(outputs, all);
        if (!source) {
            throw new Error("the station has no source");
        }
        const text = buttSettings({
            ...source,
            station: "A; [main]\nserver = x",
            channelTitle: "#1 = [best]",
        });
        const { main, ...others } = parsed(text);
        expect(Object.keys(others)).toEqual(["audio", main?.srv_ent, main?.icy_ent]);
        expect(main?.srv_ent).not.toMatch(/[;[\]=#]/);
    });

    it("have a word in place of a password that is not to be shown", () => {
        const [source] = sourcesOf(outputs, { ...all, showSecrets: false });
        if (!source) {
            throw new Error("the station has no source");
        }
        expect(buttSettings(source)).toContain(`password = ${passwordPlaceholder}`);
        expect(liquidsoapScript(source)).toContain(`password="${passwordPlaceholder}"`);
    });
});

describe("the command", () => {
    const folder = mkdtempSync(join(tmpdir(), "aerial-sheet-"));
    afterAll(() => rmSync(folder, { recursive: true }));
    const file = join(folder, "outputs.json");
    const options = { outputs: file, out: join(folder, "out"), pdf: false, call: [], source: [] as string[] };

    it("writes a page, and a file for each encoder and source, for nobody else where they have passwords", async () => {
        writeFileSync(file, JSON.stringify(told));
        const files = await runStudioSheet({ ...options, showSecrets: true });
        const sources = sourcesOf(outputs, all).length;
        expect(files).toHaveLength(1 + 2 * sources);
        expect(new Set(files.map((path) => statSync(path).mode & 0o777))).toEqual(new Set([0o600]));
        const written = files.map((path) => readFileSync(path, "utf8")).join("");
        passwords().forEach((password) => expect(written).toContain(password));
    });

    it("gives one source's password to those who use no other", async () => {
        writeFileSync(file, JSON.stringify(told));
        const [first, ...others] = sourcesOf(outputs, all);
        const chosen = {
            ...options,
            showSecrets: true,
            out: join(folder, "one"),
            source: [first?.source ?? ""],
        };
        const files = await runStudioSheet(chosen);
        const written = files.map((path) => readFileSync(path, "utf8")).join("");
        expect(written).toContain(first?.password);
        const hidden = others.filter(({ source }) => source !== first?.source);
        expect(hidden.length).toBeGreaterThan(0);
        hidden.forEach(({ password }) => expect(written).not.toContain(password));
        await expect(runStudioSheet({ ...chosen, source: ["studoi"] })).rejects.toThrow(
            /no source studoi; there are/,
        );
    });

    it("says what is missing", async () => {
        writeFileSync(file, JSON.stringify({ ...told, ingestPasswords: "[secret]" }));
        await expect(runStudioSheet({ ...options, showSecrets: true })).rejects.toThrow(/--show-secrets/);
        await expect(runStudioSheet({ ...options, stack: "prod", showSecrets: false })).rejects.toThrow(
            /--stack/,
        );
        writeFileSync(file, "Current stack outputs (3):");
        await expect(runStudioSheet({ ...options, showSecrets: false })).rejects.toThrow(/no JSON/);
        writeFileSync(file, JSON.stringify({ ...told, ingest: undefined }));
        await expect(runStudioSheet({ ...options, showSecrets: false })).rejects.toThrow(/ingest/);
    });
});
