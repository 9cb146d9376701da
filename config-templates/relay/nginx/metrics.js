/** Metrics in Prometheus's text format, as pure functions. Written for njs, as health.js is. */

/** @typedef {[labels: Record<string, string>, value: number]} Value */

/** @param {string} value */
function label(value) {
    return String(value).replace(/\\/g, "\\\\").replace(/"/g, '\\"').replace(/\n/g, "\\n");
}

/**
 * One metric, with labels such as `{ mount: "/main.mp3" }`.
 *
 * @param {string} name
 * @param {"counter" | "gauge"} type
 * @param {string} help
 * @param {Value[]} values
 */
function metric(name, type, help, values) {
    const lines = values.map((entry) => {
        const labels = Object.keys(entry[0]).map((key) => `${key}="${label(entry[0][key])}"`);
        return `${name}${labels.length ? `{${labels.join(",")}}` : ""} ${entry[1]}`;
    });
    return [`# HELP ${name} ${help}`, `# TYPE ${name} ${type}`].concat(lines).join("\n");
}

/**
 * @param {boolean | number} value
 * @returns {Value[]}
 */
function one(value) {
    return [[{}, Number(value)]];
}

/**
 * @param {[Record<string, string>, number | null]} entry
 * @returns {entry is Value}
 */
function isKnown(entry) {
    return entry[1] !== null;
}

/**
 * All metrics of a Relay.
 *
 * @param {Fitness} relay what relay.js holds
 * @param {RelayVerdict} verdict of health.js
 * @param {FeedStatus} feed what the feed says of itself; a mount of which it says nothing is absent
 * @param {boolean} draining
 * @param {[status: string, count: number][]} responses
 * @param {Record<string, number>} connections NGINX's own: active, reading, writing, waiting
 * @param {CertificateFacts | null} certificate
 */
function text(relay, verdict, feed, draining, responses, connections, certificate) {
    const mounts = Object.keys(verdict.mounts);
    /** @type {(value: (mount: { listeners: number }) => number) => Value[]} */
    const ofMounts = (value) => mounts.map((mount) => [{ mount: mount }, value(verdict.mounts[mount])]);
    /** @type {Value[]} */
    const upstreams = [];
    mounts.forEach((mount) => {
        relay.upstreams.concat(["standby"]).forEach((name) => {
            const heard = verdict.mounts[mount].upstream === name;
            upstreams.push([{ mount: mount, upstream: name }, Number(heard)]);
        });
    });
    const fed = mounts.filter((mount) => feed[mount] !== undefined);
    /** @type {(value: (one: FeedOfMount["upstreams"][string]) => number | null) => Value[]} */
    const ofUpstreams = (value) =>
        fed.reduce((all, mount) => {
            const names = Object.keys(feed[mount].upstreams);
            return all.concat(
                names.map((name) => [{ mount: mount, upstream: name }, value(feed[mount].upstreams[name])]),
            );
        }, /** @type {[Record<string, string>, number | null][]} */ ([])).filter(isKnown);
    const parts = [
        metric("aerial_relay_healthy", "gauge", "1 while /healthz is 200.", one(verdict.healthy)),
        metric("aerial_relay_draining", "gauge", "1 while listeners are to go elsewhere.", one(draining)),
        metric(
            "aerial_relay_listener_limit",
            "gauge",
            "Listeners at which this Relay is full.",
            one(relay.listenerLimit),
        ),
        metric(
            "aerial_relay_listeners",
            "gauge",
            "Listeners by mount.",
            verdict.known ? ofMounts((mount) => mount.listeners) : [],
        ),
        metric(
            "aerial_relay_slot_listeners",
            "gauge",
            "Listeners by slot that drains; they are among those by mount.",
            Object.keys(verdict.drains).map((slot) => {
                const left = verdict.drains[slot].listeners;
                return [{ slot: slot }, Object.keys(left).reduce((sum, mount) => sum + left[mount], 0)];
            }),
        ),
        metric("aerial_relay_upstream", "gauge", "1 for what a mount's listeners hear.", upstreams),
        metric(
            "aerial_relay_upstream_alive",
            "gauge",
            "1 while an upstream brings audio.",
            ofUpstreams((one) => Number(one.alive)),
        ),
        metric(
            "aerial_relay_upstream_behind_seconds",
            "gauge",
            "How much later than the upstream that is heard it brings the same moment; absent while that is not known.",
            ofUpstreams((one) => one.behindSeconds),
        ),
        metric(
            "aerial_relay_alignment_confidence",
            "gauge",
            "How sure it is that an upstream plays the same, from 0 to 1.",
            ofUpstreams((one) => one.confidence),
        ),
        metric(
            "aerial_relay_lag_seconds",
            "gauge",
            "How far what is sent is behind what the upstream sends.",
            fed.map((mount) => /** @type {[Record<string, string>, number | null]} */ ([{ mount: mount }, feed[mount].lagSeconds])).filter(isKnown),
        ),
        metric(
            "aerial_relay_switches_total",
            "counter",
            "Changes of what is heard, since the feed began.",
            fed.map((mount) => [{ mount: mount }, feed[mount].switches]),
        ),
        metric(
            "aerial_relay_responses_total",
            "counter",
            "Requests that have ended, by status.",
            responses
                .filter((entry) => /^\d+$/.test(entry[0]))
                .sort()
                .map((entry) => /** @type {Value} */ ([{ status: entry[0] }, entry[1]])),
        ),
        metric(
            "aerial_relay_connections",
            "gauge",
            "NGINX's connections by state.",
            Object.keys(connections).map((state) => /** @type {Value} */ ([{ state: state }, connections[state]])),
        ),
    ];
    if (certificate !== null) {
        parts.push(
            metric(
                "aerial_relay_certificate_self_made",
                "gauge",
                "1 until there is a real one.",
                one(certificate.selfMade),
            ),
            metric(
                "aerial_relay_certificate_not_after_seconds",
                "gauge",
                "Its end, in seconds since 1970.",
                one(certificate.notAfter),
            ),
        );
    }
    return `${parts.join("\n")}\n`;
}

export default { text };
