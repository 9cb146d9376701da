import type { RelayPlan } from "./render";

/** Mounts are paths of one part; the hidden mounts of a Relay have two, so they never meet. */
const mountPattern = /^\/[A-Za-z0-9][A-Za-z0-9._-]*$/;
const identifierPattern = /^[a-z0-9][a-z0-9-]*$/;
const hostPattern = /^[A-Za-z0-9.:-]+$/;

/**
 * Refuses a plan that would render to configuration which does not work, or means something else. Configuration is
 * checked before it comes here; this is for plans made by code.
 *
 * @throws with all mistakes at once.
 */
export function checkRelayPlan(plan: RelayPlan): void {
    const formats = plan.channels.flatMap((channel) => channel.formats);
    const problems = [
        ...(formats.length ? [] : ["no channel has a format"]),
        ...(plan.upstreams.length ? [] : ["no upstream"]),
        ...repeated(formats.map((format) => format.mount)).map(
            (mount) => `two channels have the mount ${mount}`,
        ),
        ...repeated(plan.upstreams.map(({ id }) => id)).map((id) => `two upstreams are called ${id}`),
        ...formats
            .filter(({ mount }) => !mountPattern.test(mount) || mount === "/healthz")
            .map(({ mount }) => `${JSON.stringify(mount)} is no mount`),
        ...formats
            .filter(({ bitrateKbps }) => !positiveInteger(bitrateKbps))
            .map(({ mount, bitrateKbps }) => `${mount} has the bitrate ${bitrateKbps} kbit/s`),
        ...plan.upstreams.flatMap(({ id, host, port, tlsName }) => [
            ...(identifierPattern.test(id) && id !== "own"
                ? []
                : [`${JSON.stringify(id)} cannot name an upstream`]),
            ...(hostPattern.test(host) ? [] : [`upstream ${id} has the host ${JSON.stringify(host)}`]),
            ...(hostPattern.test(tlsName)
                ? []
                : [`upstream ${id} has the TLS name ${JSON.stringify(tlsName)}`]),
            ...(isPort(port) ? [] : [`upstream ${id} has the port ${port}`]),
        ]),
        ...(positiveInteger(plan.listenerLimit) ? [] : [`a limit of ${plan.listenerLimit} listeners`]),
        ...(plan.linkPort === undefined || isPort(plan.linkPort) ? [] : [`the link port ${plan.linkPort}`]),
    ];
    if (problems.length) {
        throw new Error(`a Relay cannot be made: ${problems.join("; ")}`);
    }
}

function repeated(values: string[]): string[] {
    return [...new Set(values.filter((value, index) => values.indexOf(value) !== index))];
}

function positiveInteger(value: number): boolean {
    return Number.isInteger(value) && value > 0;
}

function isPort(value: number): boolean {
    return positiveInteger(value) && value < 65536;
}
