/** What NGINX's scripts on machines share: modules that are rendered for a machine, and the shapes that pass between them. */

/** What Icecast counted at one moment; a mount without a source is absent. */
interface Sample {
    atMs: number;
    mounts: Record<string, { bytes: number; listeners: number } | undefined>;
    upstreams?: Record<string, string | null>;
    /** For how many seconds the feed has brought each mount to this Icecast. */
    fed?: Record<string, number | null>;
    /** By slot. */
    drains?: Record<string, Drain>;
}

/** A slot that drains: until when at most, in seconds since 1970, and who is left. */
interface Drain {
    until: number;
    listeners: Record<string, number>;
}

interface Fitness {
    listenerLimit: number;
    behindBalancer?: boolean;
    channels: {
        id: string;
        title: string;
        mounts: { mount: string; contentType: string; bitrateKbps: number }[];
    }[];
    upstreams: string[];
}

/** What the feed says of itself, by mount. */
type FeedStatus = Record<string, FeedOfMount>;

interface FeedOfMount {
    /** What listeners hear: an upstream, `standby`, or null before the first audio. */
    upstream: string | null;
    /** What players show, and since when: seconds since 1970. */
    title: string;
    titleSince: number;
    /** What is heard, such as `studio`, if the Master says so; and since when. */
    source: string | null;
    since: number;
    /** How far listeners' audio is behind the upstream's, in seconds. */
    lagSeconds: number | null;
    /** Changes of the upstream since the feed began. */
    switches: number;
    upstreams: Record<
        string,
        { alive: boolean; alignment: string; confidence: number; behindSeconds: number | null }
    >;
    /** For how many seconds it has brought the mount to each slot's Icecast; null where that is off. */
    slots: Record<string, number | null>;
}

interface RelayVerdict {
    healthy: boolean;
    /** Why it is not: its faults, and that it drains or is full. */
    reasons: string[];
    /** What does not work. */
    faults: string[];
    /** While false, Icecast has told nothing, and `listeners` says nothing. */
    known: boolean;
    full: boolean;
    listeners: number;
    mounts: Record<string, { upstream: string | null; listeners: number }>;
    /** Slots that drain; their listeners are among those of the mounts. */
    drains: Record<string, Drain>;
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
        /** Where each slot's Icecast answers. */
        slots: Record<string, string>;
        /** Where the feed answers. */
        feed: string;
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

/** Dictionaries of `js_shared_dict_zone`. */
interface NgxGlobalShared {
    readonly health: NgxSharedDict<string>;
    readonly responses: NgxSharedDict<number>;
}
