/**
 * What this Relay says about itself: measures Icecast, keeps the samples for all workers, answers. The rules are in
 * health.js. The samples are in shared memory, which outlives a reload: /healthz knows no pause then.
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
const statistics = "http://127.0.0.1:8000/admin/stats";

/** @returns {Sample[]} */
function samples() {
    return JSON.parse(ngx.shared.health.get("samples") || "[]");
}

/**
 * Called by js_periodic. When Icecast does not answer, the samples grow stale, and that is what counts.
 *
 * @param {NginxPeriodicSession} session
 */
async function measure(session) {
    try {
        const password = session.variables.admin_password;
        const reply = await ngx.fetch(statistics, {
            headers: { Authorization: `Basic ${Buffer.from(`admin:${password}`).toString("base64")}` },
        });
        const xml = await reply.text();
        const sample = health.parseStats(xml, Date.now());
        ngx.shared.health.set("samples", JSON.stringify(health.remember(samples(), sample)));
        ngx.shared.health.set("full", verdict().full ? "yes" : "");
    } catch (error) {
        ngx.log(ngx.WARN, `health: ${error.message}`);
    }
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
 * Public: says nothing about listeners but that the Relay is full.
 *
 * @param {NginxHTTPRequest} r
 */
function answer(r) {
    const now = verdict();
    /** @type {Record<string, string | null>} */
    const mounts = {};
    Object.keys(now.mounts).forEach((mount) => {
        mounts[mount] = now.mounts[mount].upstream;
    });
    const body = { healthy: now.healthy, reasons: now.reasons, upstreams: mounts };
    r.return(now.healthy ? 200 : 503, `${JSON.stringify(body)}\n`);
}

/**
 * Public: what can be heard here, and how many hear it.
 *
 * @param {NginxHTTPRequest} r
 */
function station(r) {
    const now = verdict();
    const channels = relay.channels.map((channel) => ({
        id: channel.id,
        title: channel.title,
        mounts: channel.mounts.map((mount) => Object.assign({}, mount, now.mounts[mount.mount])),
    }));
    const body = {
        station: relay.station,
        healthy: now.healthy,
        listeners: now.listeners,
        channels: channels,
    };
    r.return(200, `${JSON.stringify(body)}\n`);
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
 * For this machine: what `status` prints.
 *
 * @param {NginxHTTPRequest} r
 */
function status(r) {
    const now = verdict();
    const body = {
        role: "relay",
        health: now.healthy ? 200 : 503,
        reasons: now.reasons,
        listeners: now.listeners,
        mounts: now.mounts,
        certificate: certificate(),
    };
    r.return(200, `${JSON.stringify(body)}\n`);
}

/**
 * For this machine: what `aerial-drain` prints; `listeners` is null while it is not known.
 *
 * @param {NginxHTTPRequest} r
 */
function drain(r) {
    const now = verdict();
    const body = { draining: draining(), listeners: now.known ? now.listeners : null };
    r.return(200, `${JSON.stringify(body)}\n`);
}

/**
 * For this machine: metrics in Prometheus's text format.
 *
 * @param {NginxHTTPRequest} r
 */
function numbers(r) {
    const responses = ngx.shared.responses.items();
    /** @type {Record<string, number>} */
    const connections = {};
    ["active", "reading", "writing", "waiting"].forEach((state) => {
        connections[state] = Number(r.variables[`connections_${state}`]);
    });
    r.return(200, metrics.text(relay, verdict(), draining(), responses, connections, certificate()));
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
