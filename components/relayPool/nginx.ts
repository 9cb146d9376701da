import type { RelayPlan } from "./plan";
import type { MachineFile } from "../machine/role";
import { scriptValues, staticFile, templateFile, unit } from "../machine/files";
import { linkPort } from "../../model/links";
import { relayMounts } from "./mounts";
import { renderPlaylists } from "./playlists";
import { feedPort, upstreamPort } from "./ports";
import { slotLimitHours, slots } from "./slots";

/** Behind one address there may be a school, or all customers of a mobile network's gateway. */
const defaultConnectionsPerAddress = 20;

/** Connections of health checks, playlists and port probes. */
const spareConnections = 4096;

const scripts = "/etc/aerial/nginx/js";

/** What NGINX reads, the files with secrets excepted. */
export function nginxFiles(plan: RelayPlan): MachineFile[] {
    const connectionsPerAddress = plan.connectionsPerAddress ?? defaultConnectionsPerAddress;
    const limits = {
        listenerLimit: plan.listenerLimit,
        connectionsPerAddress,
        // All listeners behind an address may come back at once, and each asks for a playlist first.
        requestBurst: 2 * connectionsPerAddress,
    };
    return [
        ...slots.map((slot) =>
            templateFile(nginxConfiguration(slot.name), "nginx", "relay/nginx/nginx.conf.eta", {
                slot,
                limitHours: slotLimitHours,
                workerConnections: 2 * plan.listenerLimit + spareConnections,
            }),
        ),
        nginx("edge.conf", { linkPort: plan.offersLinks ? linkPort : 0, ...limits }),
        nginx("mounts.conf", { mounts: relayMounts(plan.channels), feedPort }),
        nginx("listener.conf", limits),
        nginx("public.conf", { masters: plan.masters.map(forUrl), feedPort, ...limits }),
        staticFile("/etc/aerial/nginx/internal.conf", "relay/nginx/internal.conf"),
        scriptValues(`${scripts}/relay.js`, described(plan)),
        scriptValues(`${scripts}/playlists.js`, playlists(plan)),
        staticFile(`${scripts}/health.js`, "machine/health/health.js"),
        ...["healthz.js", "metrics.js", "log.js"].map((name) =>
            staticFile(`${scripts}/${name}`, `relay/nginx/${name}`),
        ),
    ];
}

/** The configuration of a slot's NGINX. */
export function nginxConfiguration(slot: string): string {
    return `/etc/aerial/nginx/${slot}.conf`;
}

/** The links to the upstreams, the file with the password excepted. They outlive the slots. */
export function linkFiles(plan: RelayPlan): MachineFile[] {
    return [
        unit("relay/links/aerial-links.service"),
        templateFile(linksConfiguration, "nginx", "relay/links/links.conf.eta", {
            limitHours: slotLimitHours,
            links: plan.upstreams.map((upstream, index) => ({
                ...forUrl(upstream),
                localPort: upstreamPort(index),
            })),
        }),
    ];
}

export const linksConfiguration = "/etc/aerial/links/links.conf";

/** Every playlist by its path; all in one file, because each file of its own costs user data more than it holds. */
function playlists(plan: RelayPlan): object {
    const lists = renderPlaylists(plan.stationName, plan.channels, plan.names, plan.region);
    return Object.fromEntries(lists.map(({ path, ...list }) => [path, list]));
}

/** What the scripts in NGINX know about this Relay. */
function described(plan: RelayPlan): object {
    return {
        station: plan.stationName,
        listenerLimit: plan.listenerLimit,
        behindBalancer: plan.behindBalancer,
        channels: plan.channels.map(({ id, title, formats }) => ({
            id,
            title,
            mounts: formats.map(({ mount, contentType, bitrateKbps }) => ({
                mount,
                contentType,
                bitrateKbps,
            })),
        })),
        upstreams: plan.upstreams.map(({ id }) => id),
        // Where each slot's Icecast answers.
        slots: Object.fromEntries(
            slots.map(({ name, icecastPorts }) => [name, `http://127.0.0.1:${icecastPorts[0]}`]),
        ),
        feed: `http://127.0.0.1:${feedPort}/status`,
    };
}

/** A literal IPv6 address needs brackets in a URL. */
function forUrl<T extends { host: string }>(place: T): T {
    return { ...place, host: bracketed(place.host) };
}

/** A host as it stands before a port. */
export function bracketed(host: string): string {
    return host.includes(":") ? `[${host}]` : host;
}

function nginx(name: string, values: object): MachineFile {
    return templateFile(`/etc/aerial/nginx/${name}`, "nginx", `relay/nginx/${name}.eta`, values);
}
