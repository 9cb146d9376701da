import type { RelayPlan } from "./plan";
import type { MachineFile } from "../machine/role";
import { scriptValues, staticFile, templateFile } from "../machine/files";
import { linkPort } from "../../model/links";
import { upstreamPort, type Chain } from "./chain";
import { renderPlaylists } from "./playlists";

/** Icecast's sockets, on the loopback address. Their number is why 3,000 listeners can come back in 3 s. */
export const icecastPorts = Array.from({ length: 16 }, (_, index) => 8000 + index);

/** Behind one address there may be a school, or all customers of a mobile network's gateway. */
const defaultConnectionsPerAddress = 20;

/** Connections of health checks, playlists and port probes. */
const spareConnections = 4096;

const scripts = "/etc/aerial/nginx/js";

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
        staticFile("/etc/aerial/nginx/internal.conf", "relay/nginx/internal.conf"),
        scriptValues(`${scripts}/relay.js`, described(plan, chains)),
        scriptValues(`${scripts}/playlists.js`, playlists(plan)),
        staticFile(`${scripts}/health.js`, "machine/health/health.js"),
        ...["healthz.js", "metrics.js", "log.js", "link.js"].map((name) =>
            staticFile(`${scripts}/${name}`, `relay/nginx/${name}`),
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
    return templateFile(`/etc/aerial/nginx/${name}`, "nginx", `relay/nginx/${name}.eta`, values);
}
