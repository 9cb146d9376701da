/** What NGINX's scripts on machines share: modules that are rendered for a machine, and the shapes that pass between them. */

/** What Icecast counted at one moment; a mount without a source is absent. */
interface Sample {
    atMs: number;
    mounts: Record<string, { bytes: number; listeners: number } | undefined>;
}

/** A public mount, and its levels in the order in which a listener falls back through them. */
interface Chain {
    mount: string;
    levels: { name: string; mount: string }[];
}

interface Fitness {
    listenerLimit: number;
    behindBalancer?: boolean;
    chains: Chain[];
}

interface RelayVerdict {
    healthy: boolean;
    reasons: string[];
    /** While false, Icecast has told nothing, and `listeners` says nothing. */
    known: boolean;
    full: boolean;
    listeners: number;
    mounts: Record<string, { upstream: string | null; listeners: number }>;
}

/** Of `aerial-certificate status`; `notAfter` in seconds since 1970. */
interface CertificateFacts {
    selfMade: boolean;
    notAfter: number;
}

/** What components/relayPool/nginx.ts writes. */
declare module "relay.js" {
    const relay: Fitness & {
        station: string;
        channels: {
            id: string;
            title: string;
            mounts: { mount: string; contentType: string; bitrateKbps: number }[];
        }[];
    };
    export default relay;
}

declare module "playlists.js" {
    const playlists: Record<string, { contentType: string; content: string } | undefined>;
    export default playlists;
}

/** What components/master/render.ts writes. */
declare module "master.js" {
    const master: { statistics: string; mounts: string[] };
    export default master;
}

/** What the configuration of NGINX sets for links. */
interface NginxVariables {
    readonly link_id: string;
    readonly link_port: string;
}

/** Dictionaries of `js_shared_dict_zone`. */
interface NgxGlobalShared {
    readonly health: NgxSharedDict<string>;
    readonly responses: NgxSharedDict<number>;
}
