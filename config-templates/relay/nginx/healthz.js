/** The health check in NGINX: measures Icecast, keeps the samples for all workers, answers. Rules are in health.js. */
import fs from "fs";
import health from "health.js";
import relay from "relay.js";

/** While this file exists, the Relay takes no new listeners from DNS. */
const drainingFlag = "/run/aerial/draining";
const statistics = "http://127.0.0.1:8000/admin/stats";

function samples() {
    return JSON.parse(ngx.shared.health.get("samples") || "[]");
}

/** Called by js_periodic. When Icecast does not answer, the samples grow stale, and that is what counts. */
async function measure(session) {
    try {
        const password = session.variables.admin_password;
        const reply = await ngx.fetch(statistics, {
            headers: { Authorization: `Basic ${Buffer.from(`admin:${password}`).toString("base64")}` },
        });
        const xml = await reply.text();
        const sample = health.parseStats(xml, Date.now());
        ngx.shared.health.set("samples", JSON.stringify(health.remember(samples(), sample)));
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
    return health.judge(relay, samples(), Date.now(), draining());
}

/** Public: says nothing about listeners but that the Relay is full. */
function answer(r) {
    const now = verdict();
    const mounts = {};
    Object.keys(now.mounts).forEach((mount) => {
        mounts[mount] = now.mounts[mount].upstream;
    });
    const body = { healthy: now.healthy, reasons: now.reasons, upstreams: mounts };
    r.return(now.healthy ? 200 : 503, `${JSON.stringify(body)}\n`);
}

/** For this machine: what `status` prints. */
function status(r) {
    const now = verdict();
    const body = {
        role: "relay",
        health: now.healthy ? 200 : 503,
        reasons: now.reasons,
        listeners: now.listeners,
        mounts: now.mounts,
    };
    r.return(200, `${JSON.stringify(body)}\n`);
}

export default { measure, answer, status };
