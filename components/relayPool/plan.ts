import type { ChannelPlan } from "../../model/channels";
import type { IcecastVersion } from "../../model/icecast";
import type { Upstream } from "../../model/links";
import type { StationNames } from "../../model/stationNames";

/** All that a Relay's machine is told by its user data. */
export interface RelayPlan {
    /** Name listeners' responses carry, for example `relay-ams3`. */
    pool: string;
    /** Its own region in `names.regions`; without it, playlists are the same everywhere. */
    region?: string;
    stationName: string;
    /** The Icecast that this machine installs. */
    icecast: IcecastVersion;
    channels: ChannelPlan[];
    /** Where to pull from, first preferred: both Masters, or the Relays of the tier above. */
    upstreams: Upstream[];
    /** Listeners at which the Relay is full, over all mounts. */
    listenerLimit: number;
    /**
     * Whether a balancer's group keeps this Relay: it then stays healthy when it is full, and only refuses who comes, since
     * the group would replace it with all its listeners. The group grows before that.
     */
    behindBalancer?: boolean;
    /** Listeners behind one address, whom a NAT may hide; 20 when absent. Also the requests of a second from there. */
    connectionsPerAddress?: number;
    /** After how many seconds without audio an upstream is left. What listeners hear is later by 4 s more than this. */
    stallSeconds: number;
    names: StationNames;
    /** Where the public certificate comes from, preferred first. */
    masters: Upstream[];
    /** Whether Relays of a tier below pull from this one, at `linkPort`, by the certificate `tls.pem` and `tls.key`. */
    offersLinks?: boolean;
}
