/**
 * Draws the status page from status.json, every few seconds, and past.json, every minute. It judges nothing but how old
 * the figures are: what is not known, or no longer, is shown as not known.
 */
"use strict";

const everyMs = 5000;
const pastEveryMs = 60000;
/** The past is written each minute; after this it is old. */
const pastStaleSeconds = 300;

/** @typedef {{ code: string, title: string }} LegendEntry */

/** What a machine, a source or a run of the backup may be, in words. */
const stateWords = /** @type {Record<string, string>} */ ({
    well: "well",
    unwell: "unwell",
    draining: "draining",
    unreachable: "does not answer",
    unknown: "not known",
    heard: "on air",
    ready: "ready",
    silent: "silent",
    absent: "not connected",
    old: "too long ago",
    failed: "failed",
    never: "never",
});

/** @type {any} */
let present = null;
/** @type {any} */
let past = null;
let pastReadMs = -Infinity;
/** The machine's clock minus this one's, in ms: the two need not agree. */
let clockMs = 0;
let reached = false;
/** What each place shows, so that nothing is drawn again that has not changed: a table keeps its scroll, a player plays on. */
const shown = /** @type {Map<Element, string>} */ (new Map());

// ---- small helpers

/** @param {string} id */
function byId(id) {
    const found = document.getElementById(id);
    if (found === null) {
        throw new Error(`there is no ${id}`);
    }
    return found;
}

/** @param {Element} from @param {string} selector */
function within(from, selector) {
    const found = from.querySelector(selector);
    if (!(found instanceof HTMLElement)) {
        throw new Error(`there is no ${selector}`);
    }
    return found;
}

/**
 * An element with its attributes and what is in it. Texts stay texts.
 *
 * @param {string} tag
 * @param {Record<string, string>} [attributes]
 * @param {(Node | string | null)[]} children
 */
function h(tag, attributes = {}, ...children) {
    const made = document.createElement(tag);
    return filled(made, attributes, children);
}

/**
 * The same of a drawing.
 *
 * @param {string} tag
 * @param {Record<string, string>} [attributes]
 * @param {(Node | string | null)[]} children
 */
function s(tag, attributes = {}, ...children) {
    const made = document.createElementNS("http://www.w3.org/2000/svg", tag);
    return filled(made, attributes, children);
}

/**
 * @template {Element} T
 * @param {T} made
 * @param {Record<string, string>} attributes
 * @param {(Node | string | null)[]} children
 */
function filled(made, attributes, children) {
    Object.entries(attributes).forEach(([name, value]) => made.setAttribute(name, value));
    made.append(...children.filter((child) => child !== null));
    return made;
}

/** @param {Element} place @param {string} text */
function say(place, text) {
    if (place.textContent !== text) {
        place.textContent = text;
    }
}

/** Draws in a place what depends on these values only. @param {Element} place @param {unknown} values @param {() => Node[]} draw */
function drawn(place, values, draw) {
    const key = JSON.stringify(values);
    if (shown.get(place) !== key) {
        shown.set(place, key);
        place.replaceChildren(...draw());
    }
}

/** @param {string} state @param {string} [words] */
function pill(state, words) {
    return h("span", { class: "pill", "data-state": state }, words ?? stateWords[state] ?? state);
}

/** @param {string[]} heads @param {(Node | string | null)[][]} rows @param {string} caption @param {number[]} [counts] columns of numbers */
function table(heads, rows, caption, counts = []) {
    /** @param {number} column @returns {Record<string, string>} */
    const kind = (column) => (counts.includes(column) ? { class: "count" } : {});
    return h(
        "table",
        {},
        h("caption", { class: "hidden" }, caption),
        h("thead", {}, h("tr", {}, ...heads.map((head, column) => h("th", { scope: "col", ...kind(column) }, head)))),
        h(
            "tbody",
            {},
            ...rows.map((row) =>
                h(
                    "tr",
                    {},
                    ...row.map((cell, column) =>
                        column === 0
                            ? h("th", { scope: "row" }, cell)
                            : h("td", kind(column), cell),
                    ),
                ),
            ),
        ),
    );
}

// ---- words for times and numbers

const nowMs = () => Date.now() + clockMs;

/** @param {number} seconds since 1970 @param {Intl.DateTimeFormatOptions} options */
function at(seconds, options) {
    const timeZone = present?.timeZone ?? "UTC";
    return new Intl.DateTimeFormat("en-GB", { timeZone, ...options }).format(new Date(seconds * 1000));
}

/** @type {Intl.DateTimeFormatOptions} */
const clock = { hour: "2-digit", minute: "2-digit" };
/** @type {Intl.DateTimeFormatOptions} */
const dayAndClock = { weekday: "short", day: "numeric", month: "short", ...clock };

/** @param {number} seconds */
function moment(seconds) {
    const today = at(nowMs() / 1000, { dateStyle: "short" }) === at(seconds, { dateStyle: "short" });
    return at(seconds, today ? clock : dayAndClock);
}

/** @param {number} seconds */
function lasting(seconds) {
    const steps = /** @type {[number, string][]} */ ([
        [86400, "d"],
        [3600, "h"],
        [60, "min"],
        [1, "s"],
    ]);
    const [length, unit] = steps.find(([step]) => seconds >= step) ?? [1, "s"];
    return `${Math.max(0, Math.floor(seconds / length))} ${unit}`;
}

/** @param {number | null | undefined} value @param {number} [digits] */
function number(value, digits = 0) {
    return typeof value === "number"
        ? value.toLocaleString("en-GB", { minimumFractionDigits: digits, maximumFractionDigits: digits })
        : "not known";
}

/** Rounds down: 99.996 % is not 100 %. @param {number | null} share */
function percent(share) {
    if (share === null) {
        return "not known";
    }
    return share === 1 ? "100 %" : `${number(Math.floor(share * 100000) / 1000, 3)} %`;
}

// ---- the present

function age() {
    return present === null ? Infinity : nowMs() / 1000 - present.written;
}

function isOld() {
    return present === null || age() > present.staleAfterSeconds;
}

/** What is on air, and how old that is; each second. */
function drawAge() {
    document.body.classList.toggle("aged", isOld());
    const banner = byId("banner");
    const told = verdict();
    if (banner.dataset.state !== told.state) {
        banner.dataset.state = told.state;
    }
    say(byId("on-air"), told.words);
    say(byId("on-air-more"), told.more);
    if (present !== null) {
        drawChannels();
        say(within(byId("listeners"), ".when"), isOld() ? `at ${moment(present.written)}` : "now");
    }
    const written = present === null ? "No figures yet" : `Figures of ${at(present.written, { ...clock, second: "2-digit" })}`;
    say(byId("age"), isOld() && present !== null ? `${written}, ${lasting(age())} old` : written);
}

function verdict() {
    if (present === null) {
        const more = reached ? "This page waits for its first figures." : "This page gets no figures. It goes on asking.";
        return { state: "unknown", words: "Not known", more };
    }
    if (isOld()) {
        const last = moment(present.written);
        const why = reached ? "Nothing newer has been written" : "The status page's machine does not answer";
        return { state: "unknown", words: "Not known", more: `${why} since ${last}. What you see below is from then.` };
    }
    if (present.problem !== null) {
        return { state: "unknown", words: "Not known", more: "The machine that watches the station gets no figures itself." };
    }
    const { state, partly, words, channels } = present.onAir;
    const heard = present.channels.map((/** @type {any} */ channel) => channel.source ?? "not known");
    const where = channels.length > 0 ? `${channels.join(", ")}. ` : "";
    const deaf = [...new Set(present.channels.flatMap((/** @type {any} */ channel) => channel.deaf))];
    const parts = {
        on: `Listeners hear: ${[...new Set(heard)].join(", ")}.`,
        cover: `${where}Listeners hear: ${[...new Set(heard)].join(", ")}.`,
        silent: `${where}Listeners are connected, and hear nothing.`,
        off: `${where}Listeners hear nothing.`,
        unknown: `${where}Nobody says what listeners hear.`,
    };
    const more = /** @type {Record<string, string>} */ (parts)[state] ?? "";
    return {
        state: state === "on" && partly ? "part" : state,
        words,
        more: deaf.length > 0 && state === "on" ? `${more} Nothing, or silence, is heard in: ${deaf.join("; ")}.` : more,
    };
}

/** A card for each channel stays as it is while only its words change: its player plays on. */
function drawChannels() {
    const place = byId("channels");
    drawn(place, present.channels.map((/** @type {any} */ channel) => [channel.id, channel.title, channel.players]), () =>
        present.channels.map(channelCard),
    );
    present.channels.forEach((/** @type {any} */ channel) => {
        const card = within(place, `[data-channel="${CSS.escape(channel.id)}"]`);
        const state = isOld() ? "unknown" : channel.state === "on" && channel.partly ? "part" : channel.state;
        const words = isOld() ? "Not known" : channel.words;
        drawn(within(card, ".state"), [state, words], () => [pill(state, words)]);
        const title = channel.playing?.title;
        say(within(card, ".playing"), title ?? (channel.source === null ? "Not known" : channel.source));
        say(within(card, ".from"), heardWords(channel, title));
    });
}

/** @param {any} channel @param {string | undefined} title */
function heardWords(channel, title) {
    if (isOld()) {
        return `Heard at ${moment(present.written)}`;
    }
    const since = channel.since === null ? "" : ` since ${moment(channel.since)}`;
    if (channel.state === "off" || channel.state === "unknown") {
        return channel.since === null ? "" : `Since ${moment(channel.since)}`;
    }
    return title === undefined ? `Heard${since}${since === "" ? " now" : ""}` : `${channel.source ?? "Source not known"}${since}`;
}

/** @param {any} channel */
function channelCard(channel) {
    const audio = h("audio", { controls: "", preload: "none", "aria-label": `Play ${channel.title}` });
    channel.players.forEach((/** @type {any} */ player) => audio.append(h("source", { src: player.url, type: player.type })));
    return h(
        "article",
        { class: "card channel", "data-channel": channel.id, "aria-label": channel.title },
        h("div", { class: "top" }, h("h3", {}, channel.title), h("span", { class: "state" })),
        h("div", { class: "what" }, h("p", { class: "playing" }), h("p", { class: "from quiet" })),
        audio,
        h(
            "p",
            { class: "formats" },
            "In your own player: ",
            ...channel.players.flatMap((/** @type {any} */ player, /** @type {number} */ index) => [
                index > 0 ? ", " : null,
                h("a", { href: player.url, "aria-label": `${channel.title} as ${player.title}` }, player.title),
            ]),
        ),
    );
}

/** @param {any} alerts */
function drawAlerts(alerts) {
    drawn(within(byId("alerts"), ".body"), alerts, () => {
        if (!alerts.known) {
            return [h("p", { class: "card" }, pill("unknown"), " The list of open alerts cannot be read.")];
        }
        return alerts.alerts.length === 0 ? [h("p", { class: "card quiet" }, "No alert is open.")] : alerts.alerts.map(alertCard);
    });
}

/** @param {any} alert */
function alertCard(alert) {
    const url = /^https:\/\//.test(alert.runbook) ? alert.runbook : null;
    const runbook = url === null ? alert.runbook : h("a", { href: url }, "How to go about it");
    const rows = /** @type {[string, Node | string][]} */ ([
        ["What Aerial did", alert.covered],
        ["To do", alert.todo],
        ["Runbook", runbook],
    ]).filter(([, text]) => text !== "");
    const seconds = typeof alert.since === "string" ? Date.parse(alert.since) / 1000 : alert.since;
    return h(
        "article",
        { class: "card alert", "data-state": alert.severity },
        h(
            "div",
            { class: "top" },
            pill(alert.severity, alert.severity === "now" ? "now" : "can wait"),
            h("h3", {}, alert.what || alert.alert),
            Number.isFinite(seconds) ? h("span", { class: "quiet" }, `since ${moment(seconds)}`) : null,
        ),
        h("dl", {}, ...rows.flatMap(([term, text]) => [h("dt", {}, term), h("dd", {}, text)])),
    );
}

/** @param {any} listeners */
function drawListeners(listeners) {
    const place = byId("listeners");
    const { curve } = listeners;
    say(within(place, ".number"), listeners.now === null ? "Not known" : number(listeners.now));
    const known = (curve?.values ?? []).filter((/** @type {number | null} */ value) => value !== null);
    say(within(place, ".peak"), known.length > 0 ? `most in 24 h: ${number(Math.max(...known))}` : "");
    drawn(within(place, ".drawing"), curve, () => (known.length > 0 ? curveDrawing(curve) : [h("p", { class: "quiet" }, "Not known.")]));
    drawn(within(place, "details .table"), curve, () => [
        table(["From", "Average", "Most"], curve === null ? [] : hours(curve), "Listeners by the hour", [1, 2]),
    ]);
}

/** @param {{ start: number, step: number, values: (number | null)[] }} curve */
function hours({ start, step, values }) {
    const perHour = Math.round(3600 / step);
    const rows = [];
    for (let index = 0; index + 1 < values.length; index += perHour) {
        const known = values.slice(index, index + perHour).filter((value) => value !== null);
        const sum = known.reduce((all, value) => all + value, 0);
        const text = known.length === 0 ? ["not known", "not known"] : [number(sum / known.length), number(Math.max(...known))];
        rows.push([at(start + index * step, dayAndClock), ...text]);
    }
    return rows;
}

/** @param {{ start: number, step: number, values: (number | null)[] }} curve */
function curveDrawing({ start, step, values }) {
    const most = Math.max(1, ...values.map((value) => value ?? 0));
    const unit = 10 ** Math.floor(Math.log10(most));
    const top = [1, 2, 4, 5, 10].map((part) => part * unit).find((value) => value >= most) ?? most;
    const [width, height] = [values.length - 1, 100];
    /** @param {number} index */
    const point = (index) => `${index} ${(height - (height * (values[index] ?? 0)) / top).toFixed(2)}`;
    // A gap stays a gap: nobody knows what was in it.
    const runs = /** @type {number[][]} */ ([]);
    values.forEach((value, index) => {
        if (value !== null) {
            const last = runs[runs.length - 1];
            if (last !== undefined && last[last.length - 1] === index - 1) {
                last.push(index);
            } else {
                runs.push([index]);
            }
        }
    });
    const lines = runs.flatMap((run) => {
        const line = run.map(point).join(" L ");
        const [first, last] = [run[0], run[run.length - 1]];
        return [
            s("path", { class: "curve-area", d: `M ${first} ${height} L ${line} L ${last} ${height} Z` }),
            s("path", { class: "curve-line", d: `M ${line}` }),
        ];
    });
    const grid = [0, 0.5, 1].map((part) =>
        s("line", { class: "grid-line", x1: "0", x2: String(width), y1: String(height * part), y2: String(height * part) }),
    );
    const middle = top / 2;
    const times = [0, 0.25, 0.5, 0.75, 1].map((part) => at(start + part * width * step, clock));
    return [
        h("div", { class: "axis up", "aria-hidden": "true" }, ...[number(top), number(middle, middle % 1 ? 1 : 0), "0"].map((text) => h("span", {}, text))),
        s(
            "svg",
            { viewBox: `0 0 ${width} ${height}`, preserveAspectRatio: "none", role: "img", "aria-label": `Curve of listeners, at most ${number(most)}` },
            ...grid,
            ...lines,
        ),
        h("div", { class: "axis along", "aria-hidden": "true" }, ...times.map((text) => h("span", {}, text))),
    ];
}

/** @param {any[]} regions */
function drawRelays(regions) {
    drawn(within(byId("relays"), ".body"), regions, () => [
        table(
            ["Region", "Relays", "Listeners"],
            regions.map((region) => [
                region.place,
                h(
                    "div",
                    {},
                    ...region.relays.map((/** @type {any} */ relay) =>
                        h("div", { class: "machine" }, h("span", {}, relay.name), pill(relay.state)),
                    ),
                ),
                number(region.listeners),
            ]),
            "Relays by region, with their listeners",
            [2],
        ),
    ]);
}

/** @param {any[]} masters */
function drawMasters(masters) {
    drawn(within(byId("masters"), ".body"), masters, () => [
        table(
            ["Master", "State", "Plays"],
            masters.map((master) => [
                h("div", {}, master.name, h("div", { class: "quiet note" }, master.place)),
                pill(master.state),
                h("div", {}, ...(master.plays.length === 0 ? ["not known"] : master.plays.map((/** @type {any} */ one) => h("div", {}, `${one.channel}: ${one.source ?? "not known"}`)))),
            ]),
            "Masters, and what each plays",
        ),
    ]);
}

/** @param {any[]} channels */
function drawSources(channels) {
    drawn(within(byId("sources"), ".body"), channels, () =>
        channels.map((channel) =>
            h(
                "div",
                { class: "card" },
                h("h3", {}, channel.channel),
                channel.level === null ? h("p", { class: "quiet note" }, "Level of what is heard: not known") : levelDrawing(channel.level),
                h(
                    "div",
                    { class: "table", tabindex: "0", role: "region", "aria-label": `Sources of ${channel.channel}` },
                    table(
                        ["Source", "State", "Last 24 h"],
                        channel.sources.map((/** @type {any} */ source) => [
                            source.title,
                            pill(source.state === "silent" ? "silent-source" : source.state, stateWords[source.state]),
                            lastDay(source),
                        ]),
                        "Sources by priority; for how much of the last 24 hours each was connected, and how often it went",
                        [2],
                    ),
                ),
            ),
        ),
    );
}

/** @param {{ connectedShare?: number, losses?: number }} source */
function lastDay({ connectedShare, losses }) {
    if (connectedShare === undefined) {
        return "not known";
    }
    const times = losses === undefined || losses === 0 ? "" : losses === 1 ? ", lost once" : `, lost ${losses} times`;
    return `${number(100 * connectedShare, 1)} %${times}`;
}

/** @param {{ left: number, right: number, loudness: number | null }} level in dBFS and LUFS */
function levelDrawing({ left, right, loudness }) {
    /** @param {string} side @param {number} value */
    const bar = (side, value) => [
        h("span", { class: "quiet" }, side),
        s(
            "svg",
            { viewBox: "0 0 60 4", preserveAspectRatio: "none", "aria-hidden": "true" },
            s("rect", { class: "m-none", width: "60", height: "4" }),
            s("rect", { class: value > -3 ? "m-x" : "m-A", width: String(Math.min(60, Math.max(0, 60 + value))), height: "4" }),
        ),
        h("span", {}, `${number(value, 1)} dBFS`),
    ];
    const loud = loudness === null ? "not known" : `${number(loudness, 1)} LUFS`;
    return h("div", { class: "level" }, ...bar("Left", left), ...bar("Right", right), h("span", { class: "quiet" }, "Loudness"), h("span"), h("span", {}, loud));
}

/** @param {any[]} rows */
function drawBackup(rows) {
    drawn(within(byId("backup"), ".body"), rows, () => [
        table(
            ["What", "Last", "State"],
            rows.map((row) => [row.title, row.at === null ? "not known" : moment(row.at), pill(row.state)]),
            "What the backup last did and proved",
        ),
    ]);
}

/** @param {any} bill */
function drawBill(bill) {
    const place = byId("bill");
    /** @param {number | null} usd */
    const dollars = (usd) => (usd === null ? "not known" : `$${number(usd, 2)}`);
    drawn(within(place, ".figures"), bill, () =>
        /** @type {[string, number | null][]} */ ([
            ["So far", bill.soFar],
            ["By its end", bill.projected],
            ["As planned", bill.planned],
        ]).map(([term, usd]) => h("div", {}, h("dt", {}, term), h("dd", {}, dollars(usd)))),
    );
    const sent = bill.sentGiB === null ? "What was sent is not known" : `${number(bill.sentGiB, 1)} GiB sent`;
    say(within(place, ".note"), `At list prices. ${sent}; ${number(bill.includedGiB)} GiB a month are included.`);
    drawn(within(place, "details .table"), bill.items, () => [
        table(["Item", "A month"], bill.items.map((/** @type {any} */ item) => [item.name, dollars(item.monthlyUsd)]), "The plan of a month", [1]),
    ]);
}

function draw() {
    const { station, parts, team, more, timeZone } = present;
    document.title = `${present.onAir.words} · ${station}`;
    [byId("station"), byId("station-heading")].forEach((place) => say(place, station));
    say(byId("zone"), timeZone);
    const other = byId("other");
    other.hidden = !more && !team;
    other.setAttribute("href", team ? "/" : "/team/");
    say(other, team ? "What everyone sees" : "For the team");
    drawAge();
    const draws = /** @type {Record<string, (part: any) => void>} */ ({
        alerts: drawAlerts,
        listeners: drawListeners,
        relays: drawRelays,
        masters: drawMasters,
        sources: drawSources,
        backup: drawBackup,
        bill: drawBill,
    });
    Object.entries(draws).forEach(([name, drawPart]) => {
        byId(name).hidden = parts[name] === undefined;
        if (parts[name] !== undefined) {
            drawPart(parts[name]);
        }
    });
}

// ---- the past

const otherCodes = /** @type {LegendEntry[]} */ ([
    { code: "e", title: "Emergency shows" },
    { code: "n", title: "Announcement" },
    { code: "s", title: "Standby audio" },
    { code: "p", title: "Not everywhere" },
    { code: "q", title: "Silence" },
    { code: "x", title: "Off air" },
    { code: "?", title: "Not known" },
]);

/** @param {string} code */
const fill = (code) => (code === "?" ? "m-none" : `m-${code}`);

/** The letters that are well: the sources'. @param {string} code */
const isSource = (code) => /^[A-Z]$/.test(code);

function drawPast() {
    const { history, availability } = past.parts;
    const old = nowMs() / 1000 - past.written > pastStaleSeconds;
    document.querySelectorAll(".until").forEach((place) => say(place, old ? `Nothing is known since ${moment(past.written)}.` : ""));
    const legend = [...Object.entries(past.sources).map(([code, title]) => ({ code, title: String(title) })), ...otherCodes];
    byId("history").hidden = history === undefined;
    if (history !== undefined) {
        drawHistory(history, legend);
    }
    byId("availability").hidden = availability === undefined;
    if (availability !== undefined) {
        drawAvailability(availability);
    }
}

/** @param {any[]} channels @param {LegendEntry[]} legend */
function drawHistory(channels, legend) {
    const place = byId("history");
    const used = new Set(channels.flatMap(({ runs }) => runs.map((/** @type {[string, number]} */ [code]) => code)));
    drawn(within(place, ".legend"), [legend, [...used]], () =>
        legend
            .filter(({ code }) => used.has(code))
            .map(({ code, title }) => h("li", {}, s("svg", { viewBox: "0 0 1 1", "aria-hidden": "true" }, s("rect", { class: fill(code), width: "1", height: "1" })), title)),
    );
    drawn(within(place, ".body"), [channels, legend], () => channels.map((channel) => weekDrawing(channel, legend)));
    drawn(within(place, "details .table"), [channels, legend], () => [
        table(["From", "Channel", "Lasted", "What"], channels.flatMap((channel) => stretches(channel, legend)), "What was heard in the last week, the latest first"),
    ]);
}

/** @param {any} channel @param {LegendEntry[]} legend */
function stretches({ title, start, runs }, legend) {
    let from = start;
    const rows = runs.map((/** @type {[string, number]} */ [code, minutes]) => {
        const row = [at(from, dayAndClock), title, minutes < 60 ? `${minutes} min` : `${Math.floor(minutes / 60)} h ${minutes % 60} min`, legend.find((one) => one.code === code)?.title ?? code];
        from += minutes * 60;
        return row;
    });
    return rows.reverse();
}

/** Minutes since midnight in the station's time zone. @param {number} seconds */
function minuteOfDay(seconds) {
    const [hour, minute] = at(seconds, { ...clock, hourCycle: "h23" }).split(":").map(Number);
    return (hour ?? 0) * 60 + (minute ?? 0);
}

/**
 * A row for each day. A short fault is drawn as wide as 3 minutes, over all else: it must not vanish on a phone.
 *
 * @param {any} channel
 * @param {LegendEntry[]} legend
 */
function weekDrawing({ title, start, runs }, legend) {
    const rows = /** @type {{ day: string, parts: { code: string, from: number, minutes: number }[] }[]} */ ([]);
    let from = start;
    runs.forEach((/** @type {[string, number]} */ [code, minutes]) => {
        let left = minutes;
        while (left > 0) {
            const day = at(from, { weekday: "short", day: "numeric" });
            const begin = minuteOfDay(from);
            const here = Math.min(left, 1440 - begin);
            if (rows[rows.length - 1]?.day !== day) {
                rows.push({ day, parts: [] });
            }
            rows[rows.length - 1]?.parts.push({ code, from: begin, minutes: here });
            from += here * 60;
            left -= here;
        }
    });
    const name = (/** @type {string} */ code) => legend.find((one) => one.code === code)?.title ?? code;
    const lines = rows.reverse().flatMap(({ day, parts }) => {
        const ordered = [...parts].sort((one, other) => Number(!isSource(one.code) && one.code !== "?") - Number(!isSource(other.code) && other.code !== "?"));
        return [
            h("span", { class: "day" }, day),
            s(
                "svg",
                { viewBox: "0 0 1440 10", preserveAspectRatio: "none", role: "img", "aria-label": `${title}, ${day}: ${summary(parts, name)}` },
                s("rect", { class: "m-none", width: "1440", height: "10", opacity: "0.35" }),
                ...ordered.map(({ code, from: begin, minutes }) => {
                    const least = isSource(code) || code === "?" ? minutes : Math.max(minutes, 3);
                    return s("rect", { class: fill(code), x: String(begin), width: String(least), height: "10" }, s("title", {}, `${clockOf(begin)}–${clockOf(begin + minutes)} ${name(code)}`));
                }),
            ),
        ];
    });
    const axis = h("div", { class: "axis", "aria-hidden": "true" }, ...["00", "06", "12", "18", "24"].map((text) => h("span", {}, text)));
    return h("div", { class: "week" }, h("h3", {}, title), ...lines, axis);
}

/** @param {number} minutes */
function clockOf(minutes) {
    return `${String(Math.floor(minutes / 60)).padStart(2, "0")}:${String(minutes % 60).padStart(2, "0")}`;
}

/** @param {{ code: string, minutes: number }[]} parts @param {(code: string) => string} name */
function summary(parts, name) {
    const sums = /** @type {Map<string, number>} */ (new Map());
    parts.forEach(({ code, minutes }) => sums.set(code, (sums.get(code) ?? 0) + minutes));
    return [...sums].map(([code, minutes]) => `${name(code)} ${minutes} min`).join(", ");
}

/** @param {any[]} channels */
function drawAvailability(channels) {
    const place = byId("availability");
    drawn(within(place, ".body"), channels, () => channels.map(ninety));
    const losses = channels.flatMap(({ title, days }) =>
        days
            .filter((/** @type {any} */ day) => day.lostMinutes > 0 || day.partMinutes > 0)
            .map((/** @type {any} */ day) => [day.day, title, percent(day.share), `${day.lostMinutes} min`, `${day.partMinutes} min`, `${day.coverMinutes} min`]),
    );
    drawn(within(place, "details .table"), losses, () => [
        losses.length === 0
            ? h("p", { class: "quiet" }, "No day of which something is known has any.")
            : table(["Day", "Channel", "On air", "Lost", "Not everywhere", "Without a source"], losses.reverse(), "Days on which listeners heard nothing, or not everywhere", [2, 3, 4, 5]),
    ]);
}

/** @param {any} channel */
function ninety({ title, days }) {
    const known = days.filter((/** @type {any} */ day) => day.share !== null);
    const all = known.reduce((/** @type {number} */ sum, /** @type {any} */ day) => sum + day.knownMinutes, 0);
    const lost = known.reduce((/** @type {number} */ sum, /** @type {any} */ day) => sum + day.lostMinutes, 0);
    const share = all === 0 ? null : (all - lost) / all;
    const of = known.length === days.length ? "" : ` of ${lasting(all * 60)} that are known`;
    return h(
        "div",
        { class: "ninety" },
        h("div", { class: "top" }, h("h3", {}, title), h("span", {}, `${percent(share)}${share === null ? "" : of}`)),
        s(
            "svg",
            { viewBox: `0 0 ${days.length * 4} 10`, preserveAspectRatio: "none", role: "img", "aria-label": `${title}: on air for ${percent(share)}${of}` },
            ...days.map((/** @type {any} */ day, /** @type {number} */ index) => {
                const words = day.share === null ? "not known" : `${percent(day.share)}, ${day.lostMinutes} min lost`;
                /** @param {string} kind @param {number} height */
                const bar = (kind, height) => s("rect", { class: kind, x: String(index * 4), width: "3", y: String(10 - height), height: String(height) });
                const [bad, kind] = day.lostMinutes > 0 ? [day.lostMinutes, "m-x"] : [day.partMinutes, "m-p"];
                // A minute of a day would be nothing to see: what is lost takes a quarter of the bar at least.
                const least = bad > 0 ? Math.max(2.5, 10 * Math.sqrt(bad / Math.max(1, day.knownMinutes))) : 0;
                return s(
                    "g",
                    {},
                    s("title", {}, `${day.day}: ${words}`),
                    bar(day.share === null ? "m-none" : "m-A", 10),
                    ...(least > 0 ? [bar(kind, Math.min(10, least))] : []),
                );
            }),
        ),
        h("div", { class: "axis", "aria-hidden": "true" }, h("span", {}, days[0]?.day ?? ""), h("span", {}, "today")),
    );
}

// ---- asking

/** @param {string} path */
async function get(path) {
    const answer = await fetch(path, { cache: "no-store", signal: AbortSignal.timeout(4000) });
    if (!answer.ok) {
        throw new Error(`${path}: ${answer.status}`);
    }
    const date = Date.parse(answer.headers.get("date") ?? "");
    if (Number.isFinite(date)) {
        clockMs = date - Date.now();
    }
    return answer.json();
}

async function askPresent() {
    try {
        present = await get("status.json");
        reached = true;
        draw();
    } catch {
        reached = false;
        drawAge();
    }
}

async function askPast() {
    try {
        past = await get("past.json");
        pastReadMs = performance.now();
    } catch {
        // What is shown ends when it ends: each row has its day.
    }
    if (past !== null) {
        drawPast();
    }
}

/** A past that did not come is asked for again soon. A page that nobody looks at asks for nothing. */
async function ask() {
    if (document.hidden) {
        return;
    }
    await askPresent();
    // It cannot be drawn without a present.
    if (present !== null && performance.now() - pastReadMs >= pastEveryMs) {
        await askPast();
    }
}

void ask();
setInterval(() => void ask(), everyMs);
setInterval(drawAge, 1000);
document.addEventListener("visibilitychange", () => void ask());
