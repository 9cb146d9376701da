/** Counts every request that has ended, and decides which of them the access log holds. */

/** Lines of a second that are not of listeners: enough to see who knocks, too few to fill a disk. */
const othersPerSecond = 10;

/** Lines of a second for listeners that begin: beyond that, something is broken, and they come again and again. */
const beginningsPerSecond = 200;

/**
 * Counts what happens in this second, and says whether it is still within a limit.
 *
 * @param {string} what
 * @param {number} limit
 */
function within(what, limit) {
    const responses = ngx.shared.responses;
    const second = Math.floor(Date.now() / 1000);
    if (responses.get(`second of ${what}`) !== second) {
        responses.set(`second of ${what}`, second);
        responses.set(what, 0);
    }
    return responses.incr(what, 1, 0) <= limit;
}

/**
 * Evaluated when a listener begins. Who has a line for that gets one for the end, too, whatever that is.
 *
 * @param {NginxHTTPRequest} r the mirror of the listener's request, with which it shares its variables
 */
function begins(r) {
    if (!within("beginnings", beginningsPerSecond)) {
        return "";
    }
    r.variables.begun = "1";
    return "1";
}

/**
 * Evaluated when a request ends; the log has a line for it unless this is empty.
 *
 * @param {NginxHTTPRequest} r
 */
function worth(r) {
    const responses = ngx.shared.responses;
    const status = r.variables.status || "";
    responses.incr(status, 1, 0);
    const listened = status === "200" && r.variables.request_method === "GET" && r.variables.upstream_addr;
    return listened || r.variables.begun || within("others", othersPerSecond) ? "1" : "";
}

export default { begins, worth };
