import { mkdirSync } from "node:fs";
import { join } from "node:path";

import { source as axeSource, type AxeResults } from "axe-core";
import { chromium, type Browser, type Page } from "playwright-core";

import { chromiumPath } from "../../tools/chromium";
import { resultsFolder } from "../../tools/testing/paths";
import { FakePrometheus } from "./support/prometheus";
import { Site } from "./support/site";
import { metricsOf, type Circumstances } from "./support/stations";

/* The status page in a real browser, with figures that the real program made of a station's metrics. */

const screenshots = join(resultsFolder, "status-page");
const phone = { width: 360, height: 780 };
const screen = { width: 1280, height: 900 };

const alert = {
    alert: "StudioLost",
    severity: "now",
    since: Date.now() / 1000 - 420,
    what: "The studio is not heard on Radio Meridian. Listeners hear Airtime's playout.",
    covered: "The Masters play the next source.",
    todo: "Look whether the studio's encoder runs, then its line.",
    runbook: "https://radio.example/runbooks/source-lost",
    labels: { channel: "main" },
};

let prometheus: FakePrometheus;
let asked: string;
let site: Site;
let browser: Browser;
/** What the page complains of, a breach of its content policy first of all. */
let complaints: string[] = [];

beforeAll(async () => {
    mkdirSync(screenshots, { recursive: true });
    prometheus = new FakePrometheus();
    asked = await prometheus.open();
    site = new Site();
    await site.open();
    browser = await chromium.launch({
        executablePath: chromiumPath(),
        args: [
            ...["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--no-first-run"],
            ...["--disable-sync", "--disable-component-update"],
        ],
    });
    // A round takes in a day of the past.
    prometheus.metrics = metricsOf({});
    for (let day = 0; day <= 7; day++) {
        await site.write(asked, []);
    }
});

afterAll(async () => {
    await browser?.close();
    site?.close();
    prometheus?.close();
});

interface Look {
    path?: string;
    dark?: boolean;
    viewport?: { width: number; height: number };
}

/** Opens the page while the station is in these circumstances. */
async function look(circumstances: Circumstances, options: Look = {}, alerts: unknown = []): Promise<Page> {
    site.aheadSeconds = 0;
    prometheus.metrics = metricsOf(circumstances);
    await site.write(asked, alerts);
    return open(options);
}

async function open({ path = "/", dark = false, viewport = screen }: Look): Promise<Page> {
    const context = await browser.newContext({
        viewport,
        colorScheme: dark ? "dark" : "light",
        reducedMotion: "reduce",
        serviceWorkers: "block",
    });
    const page = await context.newPage();
    complaints = [];
    page.on("console", (message) => {
        if (
            ["error", "warning"].includes(message.type()) &&
            !message.text().includes("stream.radio.example")
        ) {
            complaints.push(message.text());
        }
    });
    page.on("pageerror", (error) => complaints.push(String(error)));
    await page.goto(`${site.url}${path}`);
    await page.locator("#history svg").first().waitFor();
    return page;
}

const onAir = (page: Page): Promise<string> => page.locator("#on-air").innerText();

async function shoot(page: Page, name: string): Promise<void> {
    await page.screenshot({ path: join(screenshots, `${name}.png`), fullPage: true });
}

/** Serious issues that axe finds, by rule and place. */
async function issues(page: Page): Promise<string[]> {
    // Not as a script of the page: its policy allows none but its own.
    await page.evaluate(axeSource);
    const { violations } = await page.evaluate<AxeResults>("axe.run()");
    return violations
        .filter(({ impact }) => impact === "serious" || impact === "critical")
        .map(({ id, nodes }) => `${id}: ${nodes.map(({ target }) => target.join(" ")).join(", ")}`);
}

/** Where the keyboard is: the element, and its section. */
const focused = `(() => {
    const at = document.activeElement;
    return at.tagName + " " + (at.closest("section")?.id ?? at.closest("footer")?.tagName ?? "");
})()`;

describe("the status page", () => {
    it.each([
        ["on air", {}, "On air", "on"],
        ["studio lost", { source: "airtime", connected: ["airtime"] }, "On air", "on"],
        ["emergency shows", { source: "emergency", connected: [] }, "On air, without a source", "cover"],
        [
            "a region dead",
            { deadMachines: ["relay-nyc3-1", "relay-nyc3-2"], deafRegion: "nyc3" },
            "On air, not everywhere",
            "part",
        ],
        [
            "both Masters dead",
            { deadMachines: ["master-a", "master-b"] },
            "On air, without a source",
            "cover",
        ],
    ] as const)("says what listeners hear: %s", async (name, circumstances, words, state) => {
        const page = await look(circumstances, { path: "/team/" }, name === "studio lost" ? [alert] : []);
        expect(await onAir(page)).toBe(words);
        expect(await page.locator("#banner").getAttribute("data-state")).toBe(state);
        await shoot(page, name);
        expect(await issues(page)).toEqual([]);
        expect(complaints).toEqual([]);
        await page.context().close();
    });

    it("says of each channel what is heard, with a player", async () => {
        const page = await look({ source: "airtime", connected: ["airtime"] });
        const cards = page.locator("#channels article");
        expect(await cards.count()).toBe(2);
        expect(await cards.first().innerText()).toContain("Airtime playout");
        expect(await cards.first().locator("audio source").first().getAttribute("src")).toBe(
            "https://stream.radio.example/main.mp3",
        );
        await page.context().close();
    });

    it("shows listeners by region, and what of Relays does not answer", async () => {
        const page = await look({ deadMachines: ["relay-nyc3-1"] });
        const row = page.locator("#relays tbody tr").nth(1);
        expect(await row.innerText()).toMatch(
            /New York.*\s+relay-nyc3-1\s+does not answer\s+relay-nyc3-2\s+well\s+48/,
        );
        await page.context().close();
    });

    it("keeps what is private from everyone, and shows it to the team", async () => {
        const everyone = await look({}, {}, [alert]);
        for (const part of ["masters", "sources", "backup", "alerts", "bill"]) {
            expect(await everyone.locator(`#${part}`).isVisible()).toBe(false);
        }
        const told = await (await fetch(`${site.url}/status.json`)).text();
        expect(told).not.toMatch(/StudioLost|monthlyUsd|aerial_|master-/);
        await shoot(everyone, "everyone");
        await everyone.context().close();
        const team = await open({ path: "/team/" });
        expect(await team.locator("#alerts").innerText()).toContain("Look whether the studio's encoder runs");
        expect(await team.locator("#backup").innerText()).toMatch(
            /All shows restored on trial\s+not known\s+not known/,
        );
        await team.context().close();
    });

    it.each([
        ["a phone", { viewport: phone }],
        ["a phone in the dark", { viewport: phone, dark: true }],
        ["a screen in the dark", { dark: true }],
    ])("fits %s", async (name, options) => {
        const page = await look({}, { ...options, path: "/team/" }, [alert]);
        const overflow = await page.evaluate<number>(
            "document.documentElement.scrollWidth - document.documentElement.clientWidth",
        );
        expect(overflow).toBeLessThanOrEqual(0);
        await shoot(page, name);
        expect(await issues(page)).toEqual([]);
        await page.context().close();
    });

    it("never shows as well what is old, and says since when", async () => {
        const page = await look({}, { path: "/team/" });
        site.aheadSeconds = 600;
        await page.reload();
        await page.locator("#history svg").first().waitFor();
        expect(await onAir(page)).toBe("Not known");
        expect(await page.locator("#banner").getAttribute("data-state")).toBe("unknown");
        expect(await page.locator("#age").innerText()).toMatch(/, 10 min old$/);
        expect(await page.locator("#channels .pill").allInnerTexts()).toEqual(["Not known", "Not known"]);
        const colour = (selector: string) =>
            page.evaluate<string>(`getComputedStyle(document.querySelector("${selector}")).color`);
        expect(await colour("#relays .pill")).toBe(await colour("#banner"));
        await shoot(page, "old");
        expect(await issues(page)).toEqual([]);
        site.aheadSeconds = 0;
        await page.context().close();
    });

    it("knows nothing where Prometheus does not answer", async () => {
        prometheus.metrics = metricsOf({});
        await site.write("http://127.0.0.1:9", []);
        const page = await open({ path: "/team/" });
        expect(await onAir(page)).toBe("Not known");
        expect(await page.locator("#relays .pill").first().innerText()).toBe("not known");
        await shoot(page, "without Prometheus");
        await page.context().close();
    });

    it("goes on by itself: what changes is said, and a player stays the same", async () => {
        const page = await look({});
        await page.evaluate('document.querySelector("audio").setAttribute("data-kept", "yes")');
        prometheus.metrics = metricsOf({ source: "emergency", connected: [] });
        await site.write(asked, []);
        await page.locator("#on-air", { hasText: "without a source" }).waitFor({ timeout: 15_000 });
        expect(await page.locator("audio[data-kept]").count()).toBe(1);
        expect(await page.locator('[role="status"][aria-live="polite"] #on-air').count()).toBe(1);
        await page.context().close();
    });

    it.each([[["status.json"]], [["past.json"]]])(
        "asks again soon for what did not come: %j",
        async (refused) => {
            await site.write(asked, []);
            site.refused = [...refused];
            const page = await open({});
            expect(site.refused).toEqual([]);
            await page.locator("#on-air", { hasText: "On air" }).waitFor();
            await page.context().close();
        },
    );

    it("is reached by keyboard in every part, and has a table for each drawing", async () => {
        const page = await look({}, { path: "/team/" }, [alert]);
        const reached = new Set<string>();
        for (let presses = 0; presses < 80; presses++) {
            await page.keyboard.press("Tab");
            reached.add(await page.evaluate<string>(focused));
        }
        expect([...reached]).toEqual(
            expect.arrayContaining([
                "A ",
                "A alerts",
                "SUMMARY listeners",
                "SUMMARY history",
                "SUMMARY availability",
                "SUMMARY bill",
                "A FOOTER",
            ]),
        );
        expect([...reached].some((place) => place.startsWith("AUDIO"))).toBe(true);
        await page.locator("#history summary").focus();
        await page.keyboard.press("Enter");
        const table = page.locator("#history details table");
        expect(await table.isVisible()).toBe(true);
        expect(await table.innerText()).toMatch(/Emergency shows/);
        expect(await table.innerText()).toMatch(/4 min\s+Off air/);
        await page.context().close();
    });
});
