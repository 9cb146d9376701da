/**
 * What this Relay says about itself: measures Icecast, asks the feed, keeps the samples for all workers, answers. The
 * rules are in health.js. The samples are in shared memory, which outlives a reload: /healthz knows no pause then.
 */
import fs from "fs";
import health from "health.js";
import metrics from "metrics.js";
import playlists from "playlists.js";
import relay from "relay.js";

/** While this file exists, the Relay takes no new listeners from DNS. */
const drainingFlag = "/run/aerial/draining";
/** Written by aerial-certificate. */
const certificateFacts = "/var/lib/aerial/certificate/certificate.json";
/** Each slot that drains has a file here, written by drain-slot. */
const drains = "/run/aerial/drains";

/** @returns {Sample[]} */
function samples() {
    return JSON.parse(ngx.shared.health.get("samples") || "[]");
}

/**
 * Called by js_periodic. When Icecast does not answer, the samples grow stale, and that is what counts.
 *
 * @param {NginxPeriodicSession | NginxHTTPRequest} session
 */
async function measure(session) {
    try {
        const slot = String(session.variables.slot);
        const password = session.variables.admin_password;
        const reply = await ngx.fetch(`${relay.slots[slot]}/admin/stats`, {
            headers: { Authorization: `Basic ${Buffer.from(`admin:${password}`).toString("base64")}` },
        });
        const xml = await reply.text();
        const feed = await askFeed();
        const sample = health.parseStats(xml, Date.now());
        /** @type {Record<string, string | null>} */
        const upstreams = {};
        /** @type {Record<string, number | null>} */
        const fed = {};
        Object.keys(feed).forEach((mount) => {
            upstreams[mount] = feed[mount].upstream;
            fed[mount] = feed[mount].slots[slot];
        });
        sample.upstreams = upstreams;
        sample.fed = fed;
        sample.drains = drainsOfOthers(slot);
        ngx.shared.health.set("feed", JSON.stringify(feed));
        ngx.shared.health.set("samples", JSON.stringify(health.remember(samples(), sample)));
        ngx.shared.health.set("full", verdict().full ? "yes" : "");
    } catch (error) {
        ngx.log(ngx.WARN, `health: ${error.message}`);
    }
    ngx.shared.health.set("measured", "yes");
}

/**
 * What the feed says of itself. While it starts again, nothing.
 *
 * @returns {Promise<FeedStatus>}
 */
async function askFeed() {
    try {
        const reply = await ngx.fetch(relay.feed);
        const text = await reply.text();
        return JSON.parse(text);
    } catch (error) {
        return {};
    }
}

/**
 * What drain-slot says of the slots that drain.
 *
 * @param {string} slot the one of this NGINX
 * @returns {Record<string, Drain>}
 */
function drainsOfOthers(slot) {
    /** @type {Record<string, Drain>} */
    const found = {};
    Object.keys(relay.slots)
        .filter((name) => name !== slot)
        .forEach((name) => {
            try {
                found[name] = JSON.parse(fs.readFileSync(`${drains}/${name}`, "utf8"));
            } catch (error) {
                // It does not drain.
            }
        });
    return found;
}

function draining() {
    try {
        fs.accessSync(drainingFlag);
        return true;
    } catch (error) {
        return false;
    }
}

function verdict() {
    return health.judge(relay, samples(), Date.now(), draining(), ngx.shared.health.get("full") === "yes");
}

/**
 * An NGINX that has just started measures first: it may be that of a new slot, which serves from its first moment.
 *
 * @param {NginxHTTPRequest} r
 */
async function verdictFor(r) {
    if (ngx.shared.health.get("measured") === undefined) {
        await measure(r);
    }
    return verdict();
}

/**
 * Public: says nothing about listeners but that the Relay is full.
 *
 * @param {NginxHTTPRequest} r
 */
async function answer(r) {
    const now = await verdictFor(r);
    /** @type {Record<string, string | null>} */
    const mounts = {};
    Object.keys(now.mounts).forEach((mount) => {
        mounts[mount] = now.mounts[mount].upstream;
    });
    const body = { healthy: now.healthy, reasons: now.reasons, upstreams: mounts };
    r.return(now.healthy ? 200 : 503, `${JSON.stringify(body)}\n`);
}

/**
 * Public: what can be heard here, and how many hear it; `listeners` is null while that is not known.
 *
 * @param {NginxHTTPRequest} r
 */
async function station(r) {
    const now = await verdictFor(r);
    const feed = heldFeed();
    const channels = relay.channels.map((channel) => ({
        id: channel.id,
        title: channel.title,
        playing: playing(feed, channel.mounts),
        mounts: channel.mounts.map((mount) => Object.assign({}, mount, now.mounts[mount.mount])),
    }));
    const body = {
        station: relay.station,
        healthy: now.healthy,
        listeners: now.known ? now.listeners : null,
        channels: channels,
    };
    r.return(200, `${JSON.stringify(body)}\n`);
}

/**
 * What is heard of a channel, and since when: the word of the first of its mounts that the feed knows, or null.
 *
 * @param {FeedStatus} feed
 * @param {{ mount: string }[]} mounts
 */
function playing(feed, mounts) {
    const known = mounts.map((one) => feed[one.mount]).filter((one) => one !== undefined);
    if (known.length === 0) {
        return null;
    }
    return {
        title: known[0].title,
        titleSince: moment(known[0].titleSince),
        source: known[0].source,
        since: moment(known[0].since),
    };
}

/** @param {number} seconds since 1970 */
function moment(seconds) {
    return `${new Date(Math.round(seconds) * 1000).toISOString().slice(0, 19)}Z`;
}

/**
 * What the feed said when it was last asked.
 *
 * @returns {FeedStatus}
 */
function heldFeed() {
    return JSON.parse(ngx.shared.health.get("feed") || "{}");
}

/**
 * Public: a mount's addresses, in each format that players know.
 *
 * @param {NginxHTTPRequest} r
 */
function playlist(r) {
    const found = playlists[r.uri];
    if (found === undefined) {
        r.return(404);
        return;
    }
    r.headersOut["Content-Type"] = found.contentType;
    r.return(200, found.content);
}

/**
 * For this machine: what `status` prints, and what `check` goes by.
 *
 * @param {NginxHTTPRequest} r
 */
async function status(r) {
    const now = await verdictFor(r);
    const body = {
        role: "relay",
        health: now.healthy ? 200 : 503,
        reasons: now.reasons,
        faults: now.faults,
        listeners: now.listeners,
        mounts: now.mounts,
        slot: r.variables.slot,
        drains: now.drains,
        certificate: certificate(),
    };
    r.return(200, `${JSON.stringify(body)}\n`);
}

/**
 * For this machine: what `aerial-drain` prints; `listeners` is null while it is not known.
 *
 * @param {NginxHTTPRequest} r
 */
async function drain(r) {
    const now = await verdictFor(r);
    const body = { draining: draining(), listeners: now.known ? now.listeners : null };
    r.return(200, `${JSON.stringify(body)}\n`);
}

/**
 * For this machine: metrics in Prometheus's text format.
 *
 * @param {NginxHTTPRequest} r
 */
async function numbers(r) {
    const now = await verdictFor(r);
    const responses = ngx.shared.responses.items();
    /** @type {Record<string, number>} */
    const connections = {};
    ["active", "reading", "writing", "waiting"].forEach((state) => {
        connections[state] = Number(r.variables[`connections_${state}`]);
    });
    r.return(200, metrics.text(relay, now, heldFeed(), draining(), responses, connections, certificate()));
}

/** @returns {CertificateFacts | null} */
function certificate() {
    try {
        return JSON.parse(fs.readFileSync(certificateFacts, "utf8"));
    } catch (error) {
        return null;
    }
}

export default { measure, answer, station, playlist, status, drain, numbers };
