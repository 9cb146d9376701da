import type { RelayPlan } from "./plan";
import type { MachineFile } from "../machine/role";
import { readTemplate, renderTemplate } from "../machine/template";
import { linkPort } from "../../model/links";
import { upstreamPort, type Chain } from "./chain";
import { renderPlaylists } from "./playlists";

/** Icecast's sockets, on the loopback address. Their number is why 3,000 listeners can come back in 3 s. */
export const icecastPorts = Array.from({ length: 16 }, (_, index) => 8000 + index);

/** Behind one address there may be a school, or all customers of a mobile network's gateway. */
const defaultConnectionsPerAddress = 20;

/** Connections that are no listener's: health checks, playlists, those who only knock. */
const spareConnections = 4096;

/** What NGINX reads, the files with secrets excepted. */
export function nginxFiles(plan: RelayPlan, chains: Chain[]): MachineFile[] {
    const connectionsPerAddress = plan.connectionsPerAddress ?? defaultConnectionsPerAddress;
    const limits = {
        listenerLimit: plan.listenerLimit,
        connectionsPerAddress,
        // All listeners behind an address may come back at once, and each asks for a playlist first.
        requestBurst: 2 * connectionsPerAddress,
    };
    return [
        nginx("nginx.conf", { workerConnections: 2 * plan.listenerLimit + spareConnections }),
        nginx("edge.conf", { ports: icecastPorts, linkPort: plan.offersLinks ? linkPort : 0, ...limits }),
        nginx("mounts.conf", { chains }),
        nginx("listener.conf", limits),
        nginx("public.conf", { masters: plan.masters.map(forUrl), ...limits }),
        nginx("links.conf", {
            links: plan.upstreams.map((upstream, index) => ({
                ...forUrl(upstream),
                localPort: upstreamPort(index),
            })),
        }),
        file("/etc/aerial/nginx/internal.conf", readTemplate("relay/nginx/internal.conf")),
        module("relay.js", described(plan, chains)),
        module("playlists.js", playlists(plan)),
        file("/etc/aerial/nginx/js/health.js", readTemplate("machine/health.js")),
        ...["healthz.js", "metrics.js", "log.js", "link.js"].map((name) =>
            file(`/etc/aerial/nginx/js/${name}`, readTemplate(`relay/nginx/${name}`)),
        ),
    ];
}

/** Every playlist by its path; all in one file, because each file of its own costs user data more than it holds. */
function playlists(plan: RelayPlan): object {
    const lists = renderPlaylists(plan.stationName, plan.channels, plan.names, plan.region);
    return Object.fromEntries(lists.map(({ path, ...list }) => [path, list]));
}

/** What the scripts in NGINX know about this Relay. */
function described(plan: RelayPlan, chains: Chain[]): object {
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
        chains: chains.map((chain) => ({
            mount: chain.mount,
            levels: chain.levels.map(({ name, mount }) => ({ name, mount })),
        })),
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
    return file(`/etc/aerial/nginx/${name}`, renderTemplate("nginx", `relay/nginx/${name}.eta`, values));
}

/** Values for the scripts: a module, because the arrays of an object that njs preloads are not arrays. */
function module(name: string, values: object): MachineFile {
    return file(`/etc/aerial/nginx/js/${name}`, `export default ${JSON.stringify(values, null, 2)}\n`);
}

function file(path: string, content: string): MachineFile {
    return { path, content, mode: "0644" };
}
