import type { RelayPlan } from "./plan";
import type { Upstream } from "../../model/links";
import { playlistPaths } from "./playlists";

/** Mounts are paths of one part. */
const mountPattern = /^\/[A-Za-z0-9][A-Za-z0-9._-]*$/;
const identifierPattern = /^[a-z0-9][a-z0-9-]*$/;
const hostPattern = /^[A-Za-z0-9.:-]+$/;
const namePattern = /^[a-z0-9-]+(\.[a-z0-9-]+)+$/;
/** What the edge itself has. */
const ownPaths = ["/healthz", "/status.json", "/playing.json"];

/**
 * Refuses a plan that would render to configuration which does not work, or means something else. Configuration is
 * checked before it comes here; this is for plans made by code.
 *
 * @throws with all mistakes at once.
 */
export function checkRelayPlan(plan: RelayPlan): void {
    const formats = plan.channels.flatMap((channel) => channel.formats);
    const taken = [...ownPaths, ...formats.flatMap(({ mount }) => playlistPaths(mount))];
    const names = [plan.names.stream, ...Object.values(plan.names.regions)];
    const perAddress = plan.connectionsPerAddress;
    const problems = [
        ...(formats.length ? [] : ["no channel has a format"]),
        ...(plan.upstreams.length ? [] : ["no upstream"]),
        ...repeated(formats.map((format) => format.mount)).map(
            (mount) => `two channels have the mount ${mount}`,
        ),
        ...repeated(plan.upstreams.map(({ id }) => id)).map((id) => `two upstreams are called ${id}`),
        ...formats
            .filter(({ mount }) => !mountPattern.test(mount) || taken.includes(mount))
            .map(({ mount }) => `${JSON.stringify(mount)} is no mount`),
        ...formats
            .filter(({ bitrateKbps }) => !positiveInteger(bitrateKbps))
            .map(({ mount, bitrateKbps }) => `${mount} has the bitrate ${bitrateKbps} kbit/s`),
        ...plan.upstreams.flatMap((upstream) => [
            ...(upstream.id === "standby" ? ['"standby" cannot name an upstream'] : []),
            ...placeProblems("upstream", upstream),
        ]),
        ...(plan.masters.length ? [] : ["no Master has a certificate for it"]),
        ...repeated(plan.masters.map(({ id }) => id)).map((id) => `two Masters are called ${id}`),
        ...plan.masters.flatMap((master) => placeProblems("Master", master)),
        ...names
            .filter((name) => !namePattern.test(name))
            .map((name) => `${JSON.stringify(name)} is no name`),
        ...(plan.region === undefined || plan.region in plan.names.regions
            ? []
            : [`no name for its region ${plan.region}`]),
        ...(perAddress === undefined || positiveInteger(perAddress)
            ? []
            : [`a limit of ${perAddress} connections for an address`]),
        ...(plan.stallSeconds > 0 ? [] : [`a stall of ${plan.stallSeconds} s`]),
        ...(positiveInteger(plan.listenerLimit) ? [] : [`a limit of ${plan.listenerLimit} listeners`]),
    ];
    if (problems.length) {
        throw new Error(`a Relay cannot be made: ${problems.join("; ")}`);
    }
}

function placeProblems(what: string, { id, host, port, tlsName }: Upstream): string[] {
    return [
        ...(identifierPattern.test(id) ? [] : [`${JSON.stringify(id)} cannot name ${article(what)}`]),
        ...(hostPattern.test(host) ? [] : [`${what} ${id} has the host ${JSON.stringify(host)}`]),
        ...(hostPattern.test(tlsName) ? [] : [`${what} ${id} has the TLS name ${JSON.stringify(tlsName)}`]),
        ...(isPort(port) ? [] : [`${what} ${id} has the port ${port}`]),
    ];
}

function article(what: string): string {
    return /^[aeiou]/.test(what) ? `an ${what}` : `a ${what}`;
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
