/** A Master's health check in NGINX: measures Icecast, keeps the samples, answers. Rules are in health.js. */
import health from "health.js";
import master from "master.js";

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
        const reply = await ngx.fetch(master.statistics, {
            headers: { Authorization: `Basic ${Buffer.from(`admin:${password}`).toString("base64")}` },
        });
        const xml = await reply.text();
        const sample = health.parseStats(xml, Date.now());
        ngx.shared.health.set("samples", JSON.stringify(health.remember(samples(), sample)));
    } catch (error) {
        ngx.log(ngx.WARN, `health: ${error.message}`);
    }
}

/** @param {NginxHTTPRequest} r */
function answer(r) {
    const now = health.judgeMaster(master.mounts, samples(), Date.now());
    r.return(now.healthy ? 200 : 503, `${JSON.stringify(now)}\n`);
}

export default { measure, answer };
