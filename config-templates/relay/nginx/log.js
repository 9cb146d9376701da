/** Counts every request that has ended, and decides which of them the access log holds. */

/** Lines of a second that are not of listeners: enough to see who knocks, too few to fill a disk. */
const othersPerSecond = 10;

/**
 * Evaluated when a request ends; the log has a line for it unless this is empty.
 *
 * @param {NginxHTTPRequest} r
 */
function worth(r) {
    const responses = ngx.shared.responses;
    const status = r.variables.status || "";
    responses.incr(status, 1, 0);
    if (status === "200" && r.variables.request_method === "GET" && r.variables.upstream_addr) {
        return "1";
    }
    const second = Math.floor(Date.now() / 1000);
    if (responses.get("second") !== second) {
        responses.set("second", second);
        responses.set("others", 0);
    }
    return responses.incr("others", 1, 0) <= othersPerSecond ? "1" : "";
}

export default { worth };
