/*
 * The station, top to bottom: sources push to the Masters, Relays pull from the Masters, listeners pull from Relays.
 * The same program builds production, preproduction and the lab; only the stack's configuration differs.
 */
import { Provider as AwsProvider } from "@pulumi/aws/provider";
import * as digitalocean from "@pulumi/digitalocean";
import * as pulumi from "@pulumi/pulumi";

import { Airtime } from "./components/airtime";
import { AirtimeBackup } from "./components/airtimeBackup";
import { StationCredentials } from "./components/stationCredentials";
import { GeoDns } from "./components/geoDns";
import { awaitCertificates } from "./components/geoDns/certificates";
import { CloudflareDns } from "./components/geoDns/cloudflare";
import { ingestPort, ingestTlsPort, Master, masterTlsName } from "./components/master";
import { Canary } from "./components/canary";
import { RelayPool } from "./components/relayPool";
import { decideReplacementOrder } from "./components/replacementOrder";
import { StationAuthority } from "./components/stationAuthority";
import { StationNetwork } from "./components/stationNetwork";
import { loadStation } from "./config";
import { airtimeChannels } from "./config/airtime";
import { bytesPerMinute, diskGib, planCanary } from "./config/canary";
import { describeDroplets, planDroplets } from "./config/digitalOcean";
import { recordTtlSeconds } from "./config/dns";
import { placeOf, planChannels, planHealthCheck, planRelayPools, stationRegions } from "./config/stationPlan";
import { bucketPrefix } from "./model/bucketNames";
import { linkPort, type Upstream } from "./model/links";
import { sourceMount } from "./model/sources";
import { stationNames } from "./model/stationNames";

decideReplacementOrder();

const config = loadStation();
const channelPlans = planChannels(config);
const poolPlans = planRelayPools(config);
const canaryPlan = planCanary(config);

void pulumi.log.info(describeDroplets(config));

const publicNames = stationNames(
    config.domain,
    poolPlans.map((pool) => pool.region),
);

const network = new StationNetwork("network", {
    stack: pulumi.getStack(),
    regions: stationRegions(config),
    sshAllowedFrom: config.ssh.allowedFrom,
    authorizedKeys: config.ssh.authorizedKeys,
});
const authority = new StationAuthority("authority", { stationName: config.name });
const credentials = new StationCredentials("credentials", {
    channels: channelPlans,
    sources: config.sources,
});
const amazon = config.aws && createAmazon(config.aws);
const backup = createBackup();
const ingestAddresses = createIngestAddresses();
const masters = createMasters();
const canaryRelays = createCanary();
const relayPools = createRelayPools();
createNames();
const airtime = createAirtime();

/** The stack's own account at Amazon: other credentials are refused, and another default region does not matter. */
function createAmazon({ accountId, region }: NonNullable<typeof config.aws>): AwsProvider {
    return new AwsProvider("amazon", { region, allowedAccountIds: [accountId] });
}

/** The backup. Undefined for a station whose configuration says that it has none. */
function createBackup(): AirtimeBackup | undefined {
    const { backup: settings, aws, domain } = config;
    if (settings === "none" || !aws || !amazon) {
        return undefined;
    }
    return new AirtimeBackup(
        "backup",
        {
            ...settings,
            bucketPrefix: settings.bucketPrefix ?? bucketPrefix(domain, pulumi.getStack()),
            region: aws.region,
        },
        { providers: [amazon] },
    );
}

/** An address for each Master that outlives its machines: encoders and Relays know the Master by it. */
function createIngestAddresses(): {
    master: (typeof config.masters)[number];
    upstream: pulumi.Output<Upstream>;
}[] {
    return config.masters.map((master) => ({
        master,
        upstream: new digitalocean.ReservedIp(`ingest-${master.id}`, {
            region: master.region,
        }).ipAddress.apply((host) => ({
            id: master.id,
            host,
            port: linkPort,
            tlsName: masterTlsName(master.id),
        })),
    }));
}

/** Each Master waits for the one before it, so that a change never takes two at once. */
function createMasters(): Master[] {
    const relayCount = poolPlans.reduce((sum, pool) => sum + pool.count, canaryPlan?.maxInstances ?? 0);
    const created: Master[] = [];
    for (const [rank, { master, upstream }] of ingestAddresses.entries()) {
        const peers = ingestAddresses
            .filter((other) => other.master !== master)
            .map((other) => other.upstream);
        created.push(
            new Master(
                `master-${master.id}`,
                {
                    ...master,
                    stationName: config.name,
                    channels: channelPlans,
                    sources: config.sources,
                    silence: config.silence,
                    address: upstream.host,
                    peers: pulumi.all(peers),
                    // While Relays are replaced, old and new pull side by side.
                    linkCount: 2 * relayCount + peers.length,
                    rank,
                    names: publicNames,
                    acme: config.tls.acme,
                    // Nobody knows the addresses of the canary's instances in advance.
                    linksFrom: canaryPlan ? "everyone" : "station",
                    emergency:
                        backup && config.backup !== "none"
                            ? {
                                  bucket: backup.buckets.shows.name,
                                  region: backup.buckets.shows.region,
                                  limitMiB: config.backup.emergencyShowsMiB,
                                  reader: backup.showsReader,
                              }
                            : undefined,
                    network,
                    authority,
                    credentials,
                },
                { dependsOn: [...created] },
            ),
        );
    }
    return created;
}

/** Relays at Amazon: one always runs and gets every change first; more start when the droplets cannot serve. */
function createCanary(): Canary | undefined {
    if (!canaryPlan || !amazon) {
        return undefined;
    }
    return new Canary(
        "canary",
        {
            ...canaryPlan,
            prefix: network.prefix,
            diskGib,
            targetBytesPerMinute: bytesPerMinute(canaryPlan.targetMbps),
            stationName: config.name,
            channels: channelPlans,
            names: publicNames,
            masters: ingestAddresses.map((address) => address.upstream),
            connectionsPerAddress: config.edge.connectionsPerAddress,
            authority,
            credentials,
        },
        { providers: [amazon], dependsOn: masters },
    );
}

/** Relays come after the Masters, which get a new link password first, and after the canary, which tests a change. */
function createRelayPools(): RelayPool[] {
    const created = new Map<string, RelayPool>();
    for (const { upstreamRegions, ...plan } of poolPlans) {
        const tierAbove = upstreamRegions.flatMap((region) => created.get(region) ?? []);
        const masterUpstreams = ingestAddresses.map((address) => address.upstream);
        const upstreams =
            tierAbove.length > 0 ? tierAbove.flatMap((pool) => pool.upstreams) : masterUpstreams;
        created.set(
            plan.region,
            new RelayPool(
                `relay-${plan.region}`,
                {
                    ...plan,
                    stationName: config.name,
                    channels: channelPlans,
                    upstreams: pulumi.all(upstreams),
                    masters: pulumi.all(masterUpstreams),
                    names: publicNames,
                    connectionsPerAddress: config.edge.connectionsPerAddress,
                    network,
                    authority,
                    credentials,
                },
                { dependsOn: [...masters, ...(canaryRelays ? [canaryRelays] : []), ...tierAbove] },
            ),
        );
    }
    return [...created.values()];
}

/** The playout, which plays round the clock. Undefined for a station whose playout runs elsewhere. */
function createAirtime(): Airtime | undefined {
    if (!config.airtime) {
        return undefined;
    }
    const { source, channels: _channels, ...settings } = config.airtime;
    const played = airtimeChannels(config);
    return new Airtime(
        "airtime",
        {
            ...settings,
            protect: config.backup === "none" || config.backup.protect,
            stationName: config.name,
            channels: channelPlans.filter(({ id }) => played.includes(id)),
            sourceName: source,
            masters: ingestAddresses.map(({ master, upstream }) => ({
                id: master.id,
                host: upstream.host,
                port: ingestPort,
            })),
            backup: backup && {
                region: backup.buckets.shows.region,
                showsBucket: backup.buckets.shows.name,
                archiveBucket: backup.buckets.archive.name,
                recipient: backup.recipient,
                writer: backup.writer,
                reader: backup.reader,
                privateKey: backup.privateKey,
            },
            network,
            credentials,
        },
        { dependsOn: [...masters, ...(backup ? [backup] : [])] },
    );
}

/** Names come last: they answer with machines that are ready. After them come certificates, which are issued for names. */
function createNames(): void {
    const names = new GeoDns(
        "names",
        {
            prefix: network.prefix,
            names: publicNames,
            service: new CloudflareDns(config.dns),
            ttlSeconds: config.dns.ttlSeconds,
            recordTtlSeconds: recordTtlSeconds(config.dns),
            check: planHealthCheck(config),
            pools: poolPlans.map((plan, index) => ({
                ...plan,
                capacity: plan.count * plan.listenerLimit,
                members: relayPools[index]?.relays ?? [],
            })),
            canary: canaryRelays &&
                canaryPlan && {
                    region: "canary",
                    place: canaryPlan.place,
                    addresses: canaryRelays.addresses.map((address, index) => ({
                        name: `canary-${index + 1}`,
                        address,
                    })),
                    share: canaryPlan.share,
                },
            masters: ingestAddresses.map(({ master, upstream }) => ({
                name: master.id,
                place: placeOf(master.region),
                address: upstream.host,
            })),
        },
        { dependsOn: [...masters, ...relayPools] },
    );
    const { stream, ingest } = publicNames;
    awaitCertificates(
        "certificates",
        [
            ...relayPools.flatMap(({ relays }) => relays.map((relay) => ({ ...relay, hostname: stream }))),
            ...ingestAddresses.map(({ master, upstream }) => ({
                name: `master-${master.id}`,
                address: upstream.host,
                hostname: ingest,
            })),
        ],
        { dependsOn: names },
    );
}

/*
 * Stack outputs. Their names are an interface: the studio team, the lab and other programs read them.
 */

export const station = { name: config.name, domain: config.domain };

/** What listeners can play, by channel. A playlist holds every name, so that players find their way by themselves. */
export const channels = Object.fromEntries(
    channelPlans.map(({ id, title, formats }) => [
        id,
        {
            title,
            formats: formats.map((format) => ({
                ...format,
                url: `https://${publicNames.stream}${format.mount}`,
            })),
            playlists: formats.flatMap(({ mount }) =>
                ["m3u", "pls", "xspf"].map((kind) => `https://${publicNames.stream}${mount}.${kind}`),
            ),
        },
    ]),
);

/** The station's names; `stream` and `ingest` answer with what is healthy. */
export const names = publicNames;

/** What to type into an encoder; the passwords are in `ingestPasswords`. */
export const ingest = {
    host: publicNames.ingest,
    port: ingestPort,
    /** The port for encoders that support TLS. */
    tlsPort: ingestTlsPort,
    /** Each Master, for encoders that can push to both. */
    masters: ingestAddresses.map(({ master, upstream }) => ({
        id: master.id,
        host: upstream.host,
        port: ingestPort,
    })),
    /** What to send. Better than what listeners get, because the Masters encode it again. */
    encoder: { codec: "mp3", bitrateKbps: 320 },
    sources: Object.fromEntries(
        channelPlans.map(({ id }) => [
            id,
            Object.fromEntries(
                config.sources.map(({ name, title }) => [
                    name,
                    { title, mount: sourceMount(id, name), user: name },
                ]),
            ),
        ]),
    ),
};

/** By channel and source. */
export const ingestPasswords = pulumi.secret(credentials.sourcePasswords);

/** Base addresses of the Relays, by region; a mount of `channels` follows. */
export const listen = Object.fromEntries(
    poolPlans.map(({ region }, index) => [
        region,
        relayPools[index]?.relays.map((relay) => pulumi.interpolate`http://${relay.address}`) ?? [],
    ]),
);

/** Where shows are kept, for how long, and with which keys they are restored; the keys are in `backupKeys`. */
export const shows = {
    /** Folders of the playout's machine into which shows go, by channel. */
    libraries: airtime?.libraries ?? {},
    protected: backup?.inventory() ?? [],
    /** The public key that dumps of the database are encrypted to. */
    recipient: backup?.recipient,
};

/** For a playout elsewhere and for restores by hand: S3 keys, and the key that decrypts dumps. */
export const backupKeys = pulumi.secret(
    backup ? { writer: backup.writer, reader: backup.reader, age: backup.privateKey } : {},
);

/** The canary and its group: where it is, and what it may cost. */
export const canary = canaryRelays &&
    canaryPlan && {
        group: canaryRelays.groupName,
        region: canaryPlan.region,
        addresses: canaryRelays.addresses,
        instances: { least: canaryPlan.minInstances, most: canaryPlan.maxInstances },
        usdPerDay: { resting: canaryPlan.restingUsdPerDay, most: canaryPlan.maximumUsdPerDay },
        /** Parameter that says why an instance did not become healthy. */
        report: canaryRelays.report,
    };

/** How many droplets the station has, and how many the account must allow while all of them are replaced. */
export const droplets = { ...planDroplets(config), limit: config.digitalOcean.dropletLimit };

/** For the engineers: every machine that is always there, so not the canary's instances. */
export const machines: Record<
    string,
    { role: "master" | "relay" | "airtime"; region: string; address: pulumi.Input<string> }
> = {};
for (const { master, upstream } of ingestAddresses) {
    machines[`master-${master.id}`] = { role: "master", region: master.region, address: upstream.host };
}
for (const [index, { region }] of poolPlans.entries()) {
    for (const { name, address } of relayPools[index]?.relays ?? []) {
        machines[name] = { role: "relay", region, address };
    }
}
if (airtime && config.airtime) {
    machines.airtime = { role: "airtime", region: config.airtime.region, address: airtime.address };
}
