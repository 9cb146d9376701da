/** Links to the upstreams: who this Relay is, and which upstream may be pulled from. */

/**
 * What a link sends to prove who it is.
 *
 * @param {NginxHTTPRequest} r
 */
function authorization(r) {
    return `Basic ${Buffer.from(`relay:${r.variables.link_password}`).toString("base64")}`;
}

/**
 * An upstream that was away must answer for this long before it is pulled from again, if another one serves. A Master
 * that comes back needs seconds to find its sources; until then it would play its emergency shows to listeners who hear
 * the programme from the other one.
 */
const provenMs = 8000;
/** Standing of upstreams, for all workers: when each began to answer without a miss, 0 from the start, or null. */
const prefix = "link:";

/**
 * @param {string} id
 * @returns {number | null | undefined}
 */
function standing(id) {
    const kept = ngx.shared.health.get(prefix + id);
    return kept === undefined ? undefined : JSON.parse(kept);
}

/**
 * @param {number | null | undefined} since
 * @param {number} now
 */
function good(since, now) {
    return since !== undefined && since !== null && now - since >= provenMs;
}

/**
 * Called by js_periodic for each upstream: whether it answers at all.
 *
 * @param {NginxPeriodicSession} session
 */
async function probe(session) {
    const id = session.variables.link_id;
    let answers = false;
    try {
        const reply = await ngx.fetch(`http://127.0.0.1:${session.variables.link_port}/probe`);
        answers = reply.status < 500;
    } catch (error) {
        answers = false;
    }
    const before = standing(id);
    let since = null;
    if (answers) {
        // The first answer ever proves enough: nobody serves yet.
        since = before === undefined ? 0 : before === null ? Date.now() : before;
    }
    if (since !== before) {
        ngx.shared.health.set(prefix + id, JSON.stringify(since));
    }
}

/**
 * "1" while this upstream must wait and another one serves: NGINX then refuses Icecast, which asks again in 5 s.
 *
 * @param {NginxHTTPRequest} r
 */
function held(r) {
    const now = Date.now();
    const id = r.variables.link_id;
    const own = standing(id);
    if (own === undefined || good(own, now)) {
        return "";
    }
    const others = ngx.shared.health.keys().filter((key) => key.indexOf(prefix) === 0 && key !== prefix + id);
    return others.some((key) => good(standing(key.slice(prefix.length)), now)) ? "1" : "";
}

export default { authorization, probe, held };
