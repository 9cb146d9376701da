/*
 * The station, top to bottom: sources push to the Masters, Relays pull from the Masters, listeners pull from Relays.
 * The same program builds production, preproduction and the lab; only the stack's configuration differs.
 */
import { Provider as AwsProvider } from "@pulumi/aws/provider";
import * as digitalocean from "@pulumi/digitalocean";
import * as pulumi from "@pulumi/pulumi";

import { Airtime } from "./components/airtime";
import { AirtimeBackup } from "./components/airtimeBackup";
import { announcePlan } from "./components/announcePlan";
import { announceChanges } from "./components/changes";
import { StationCredentials } from "./components/stationCredentials";
import { GeoDns } from "./components/geoDns";
import { awaitCertificates } from "./components/geoDns/certificates";
import { CloudflareDns } from "./components/geoDns/cloudflare";
import { ingestPort, ingestTlsPort, Master, masterTlsName } from "./components/master";
import { Canary } from "./components/canary";
import { Monitoring } from "./components/monitoring";
import type { StatusPagePlan } from "./components/monitoring/statusPage";
import { Recordings } from "./components/recordings";
import { RelayPool } from "./components/relayPool";
import { describeLeftBehind, findDroplets } from "./components/relayPool/leftBehind";
import { dependencies } from "./components/stackOutputs";
import { decideReplacementOrder } from "./components/replacementOrder";
import { StationAuthority } from "./components/stationAuthority";
import { StationNetwork } from "./components/stationNetwork";
import { loadSecrets, loadStation } from "./config";
import { alertFactsOf } from "./config/alertFacts";
import { airtimeChannels } from "./config/airtime";
import { planCanary } from "./config/canary";
import { describeDroplets, describeTooManyDroplets, planDroplets } from "./config/digitalOcean";
import { recordTtlSeconds } from "./config/dns";
import { dnsPatienceSeconds } from "./config/ears";
import { journalsMiB, metricsMiB } from "./config/monitoring";
import { stationToPlan } from "./config/plan";
import { replacementsWaitFor } from "./config/quietHour";
import type { StatusPageConfig } from "./config/statusPage";
import {
    placeOf,
    planChannels,
    planDrain,
    planHealthCheck,
    planRelayPools,
    stationRegions,
} from "./config/stationPlan";
import { bucketPrefix } from "./model/bucketNames";
import { listenerLimit } from "./model/capacity";
import { bytesPerMinute, diskGib } from "./model/canaryCosts";
import { linkPort, type Upstream } from "./model/links";
import type { RoleName } from "./model/monitoring";
import { planStation } from "./model/plan";
import { generationsAround } from "./model/rotation";
import { sourceBitrateKbps, sourceMount } from "./model/sources";
import { stationNames, statusName } from "./model/stationNames";

/** A machine as outputs tell it, and as the monitoring machine knows it. */
interface KnownMachine {
    role: RoleName;
    region: string;
    address: pulumi.Input<string>;
}

decideReplacementOrder();

const config = loadStation();
const configSecrets = loadSecrets(config);
const channelPlans = planChannels(config);
const poolPlans = planRelayPools(config);
const canaryPlan = planCanary(config);
const waitFor = replacementsWaitFor(config, new Date());
const replacementWaits = waitFor !== undefined;

void pulumi.log.info(describeDroplets(config));

const publicNames = stationNames(
    config.domain,
    poolPlans.map((pool) => pool.region),
);

const monitoringAddress = createMonitoringAddress();
const network = new StationNetwork("network", {
    stack: pulumi.getStack(),
    regions: stationRegions(config),
    sshAllowedFrom: config.ssh.allowedFrom,
    authorizedKeys: config.ssh.authorizedKeys,
    monitored: config.monitoring !== "none",
    ...(config.monitoring !== "none" &&
        monitoringAddress && {
            journals: { address: monitoringAddress, addressDays: config.monitoring.addressDays },
        }),
});
const { rotation } = config;
const authorityGenerations = generationsAround(rotation.authority, rotation.acceptPrevious);
const linkGenerations = generationsAround(rotation.linkPassword, rotation.acceptPrevious);
const authority = new StationAuthority("authority", {
    stationName: config.name,
    generations: authorityGenerations,
});
const credentials = new StationCredentials("credentials", {
    channels: channelPlans,
    sources: config.sources,
    linkGenerations,
    sourceGenerations: rotation.sources,
});
const amazon = config.aws && createAmazon(config.aws);
const backup = createBackup();
const recordingsKept = createRecordings();
const ingestAddresses = createIngestAddresses();
const foundDroplets = findDroplets(network.tagNames);
const masters = createMasters();
const canaryRelays = createCanary();
const relayPools = createRelayPools();
createNames();
const airtime = createAirtime();
const monitoredMachines = listMachines();
const monitoring = createMonitoring();
const statusHost = createStatusName();

/** The stack's own account at Amazon: other credentials are refused, and another default region does not matter. */
function createAmazon({ accountId, region }: NonNullable<typeof config.aws>): AwsProvider {
    return new AwsProvider("amazon", { region, allowedAccountIds: [accountId] });
}

/** How the names of the station's buckets begin. */
function bucketPrefixOf({ bucketPrefix: given }: NonNullable<typeof config.aws>): string {
    return given ?? bucketPrefix(config.domain, pulumi.getStack());
}

/** The backup. Undefined for a station whose configuration says that it has none. */
function createBackup(): AirtimeBackup | undefined {
    const { backup: settings, aws } = config;
    if (settings === "none" || !aws || !amazon) {
        return undefined;
    }
    return new AirtimeBackup(
        "backup",
        {
            ...settings,
            bucketPrefix: bucketPrefixOf(aws),
            region: aws.region,
            keyGeneration: rotation.backupKeys,
        },
        { providers: [amazon] },
    );
}

/** Where Masters record what they play. Undefined for a station that keeps no recordings. */
function createRecordings(): Recordings | undefined {
    const { recordings: settings, aws } = config;
    if (settings === "none" || !aws || !amazon) {
        return undefined;
    }
    return new Recordings(
        "recordings",
        {
            days: settings.days,
            protect: settings.protect,
            bucketPrefix: bucketPrefixOf(aws),
            region: aws.region,
            masters: config.masters.map(({ id }) => id),
            keyGeneration: rotation.backupKeys,
        },
        { providers: [amazon] },
    );
}

/** An address of the monitoring machine that outlives it: all machines send their journals there. */
function createMonitoringAddress(): pulumi.Output<string> | undefined {
    const { monitoring: settings } = config;
    return settings === "none"
        ? undefined
        : new digitalocean.ReservedIp("monitoring-address", { region: settings.region }).ipAddress;
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

/**
 * A change never takes two Masters at once, and the preferred one last: sources are on it, and listeners hear it. They are in
 * the configuration's order all the same.
 */
function createMasters(): Master[] {
    const relayCount = poolPlans.reduce((sum, pool) => sum + pool.count, canaryPlan?.maxInstances ?? 0);
    const created: Master[] = [];
    for (const [rank, { master, upstream }] of [...ingestAddresses.entries()].reverse()) {
        const peers = ingestAddresses
            .filter((other) => other.master !== master)
            .map((other) => other.upstream);
        created.unshift(
            new Master(
                `master-${master.id}`,
                {
                    ...master,
                    stationName: config.name,
                    icecast: config.icecast,
                    channels: channelPlans,
                    sources: config.sources,
                    silence: config.silence,
                    bufferSeconds: config.ingest.bufferSeconds,
                    address: upstream.host,
                    peers: pulumi.all(peers),
                    // While Relays are replaced, old and new pull side by side, and those left behind before.
                    linkCount: 3 * relayCount + peers.length,
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
                                  keyGeneration: rotation.backupKeys,
                              }
                            : undefined,
                    recordings:
                        recordingsKept && config.recordings !== "none"
                            ? {
                                  bucket: recordingsKept.bucketName,
                                  region: recordingsKept.region,
                                  codec: config.recordings.codec,
                                  timeZone: config.timeZone,
                                  masters: config.masters.map(({ id }) => id),
                                  writer: recordingsKept.writerOf(master.id),
                                  reader: recordingsKept.reader,
                                  keyGeneration: rotation.backupKeys,
                              }
                            : undefined,
                    replacementWaits,
                    network,
                    authority,
                    credentials,
                },
                { dependsOn: dependencies([], [...created]) },
            ),
        );
    }
    return created;
}

/** Relays at Amazon: one always runs and gets every change first; more start when the droplets cannot serve. */
function createCanary(): Canary | undefined {
    if (!canaryPlan || !config.aws || !amazon) {
        return undefined;
    }
    return new Canary(
        "canary",
        {
            ...canaryPlan,
            prefix: network.prefix,
            bucketPrefix: bucketPrefixOf(config.aws),
            diskGib,
            targetBytesPerMinute: bytesPerMinute(canaryPlan.targetMbps),
            stationName: config.name,
            icecast: config.icecast,
            channels: channelPlans,
            names: publicNames,
            masters: ingestAddresses.map((address) => address.upstream),
            ...config.edge,
            authority,
            credentials,
        },
        { providers: [amazon], dependsOn: masters },
    );
}

/**
 * Relays come after the Masters, which accept a link password first, and after the canary, which tests a change. One of them
 * goes before all others; then regions change side by side. What one Relay refuses, those after it never get.
 */
function createRelayPools(): RelayPool[] {
    const created = new Map<string, RelayPool>();
    const machineNames = [
        ...config.masters.map(({ id }) => `master-${id}`),
        ...poolPlans.flatMap(({ region, count }) =>
            Array.from({ length: count }, (_, index) => `relay-${region}-${index + 1}`),
        ),
    ];
    foundDroplets.apply((found = []) =>
        [
            ...describeLeftBehind(found, machineNames),
            ...describeTooManyDroplets(config, found.filter(({ draining }) => draining).length),
        ].forEach((line) => void pulumi.log.warn(line)),
    );
    for (const { upstreamRegions, ...plan } of poolPlans) {
        const tierAbove = upstreamRegions.flatMap((region) => created.get(region) ?? []);
        const [first] = [...created.values()].flatMap(({ ready }) => ready);
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
                    icecast: config.icecast,
                    channels: channelPlans,
                    upstreams: pulumi.all(upstreams),
                    masters: pulumi.all(masterUpstreams),
                    names: publicNames,
                    ...config.edge,
                    drain: planDrain(config),
                    ended: foundDroplets.apply((found = []) =>
                        found
                            .filter(({ region, draining, off }) => region === plan.region && draining && off)
                            .map(({ id }) => id),
                    ),
                    goesFirst: first === undefined,
                    listenerLimit,
                    replacementWaits,
                    network,
                    authority,
                    credentials,
                },
                {
                    dependsOn: dependencies(
                        [
                            ...masters,
                            ...(canaryRelays ? [canaryRelays] : []),
                            ...tierAbove.flatMap(({ ready }) => ready),
                        ],
                        // Not on whole pools: what ends their old Relays is part of them, and all of these end together.
                        first ? [first] : [],
                    ),
                },
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
            timeZone: config.timeZone,
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
                keyGeneration: rotation.backupKeys,
                privateKey: backup.privateKey,
            },
            replacementWaits,
            network,
            ...(config.monitoring !== "none" && { monitoredBy: authority }),
            credentials,
        },
        { dependsOn: [...masters, ...(backup ? [backup] : [])] },
    );
}

/** The monitoring machine comes last: it is told of every machine. Undefined for a station that nobody watches. */
function createMonitoring(): Monitoring | undefined {
    const { monitoring: settings } = config;
    if (settings === "none" || monitoringAddress === undefined) {
        return undefined;
    }
    const { region, size, retentionDays, remoteWrite, alerts, statusPage } = settings;
    return new Monitoring("monitoring", {
        ...{ region, size, retentionDays, remoteWrite, alerts },
        stationName: config.name,
        timeZone: config.timeZone,
        retentionMiB: metricsMiB,
        address: monitoringAddress,
        logs: { days: settings.logDays, limitMiB: journalsMiB, addressDays: settings.addressDays },
        figures: {
            channels: channelPlans,
            countries: settings.countries,
            soundExchange: settings.soundExchange,
        },
        machines: monitoredMachines,
        ears: {
            names: publicNames,
            channels: channelPlans,
            silenceDb: config.silence.thresholdDb,
            dnsSeconds: dnsPatienceSeconds(config.dns),
        },
        alertFacts: alertFactsOf(config),
        secrets: configSecrets,
        ...(statusPage !== "none" && { statusPage: planStatusPage(statusPage) }),
        replacementWaits,
        network,
        authority,
    });
}

function planStatusPage(settings: StatusPageConfig): StatusPagePlan {
    return {
        name: statusName(config.domain),
        streamName: publicNames.stream,
        channels: channelPlans,
        sources: config.sources,
        masters: config.masters.map(({ id }) => `master-${id}`),
        timeZone: config.timeZone,
        hasBackup: config.backup !== "none" && config.airtime !== undefined,
        ...settings,
        bill: planStation(stationToPlan(config)),
        acme: config.tls.acme,
    };
}

/** The name of the status page, which leads to the monitoring machine. Undefined without a page. */
function createStatusName(): string | undefined {
    if (config.monitoring === "none" || config.monitoring.statusPage === "none" || !monitoring) {
        return undefined;
    }
    const hostname = statusName(config.domain);
    new CloudflareDns(config.dns).createPlainName(
        "status",
        {
            hostname,
            ttlSeconds: recordTtlSeconds(config.dns),
            addresses: [{ name: "page", address: monitoring.address }],
        },
        monitoring,
    );
    return hostname;
}

/** Masters, Relays and the playout, by name. */
function listMachines(): Record<string, KnownMachine> {
    const found: Record<string, KnownMachine> = {};
    for (const { master, upstream } of ingestAddresses) {
        found[`master-${master.id}`] = { role: "master", region: master.region, address: upstream.host };
    }
    for (const [index, { region }] of poolPlans.entries()) {
        for (const { name, address } of relayPools[index]?.relays ?? []) {
            found[name] = { role: "relay", region, address };
        }
    }
    if (airtime && config.airtime) {
        found.airtime = { role: "airtime", region: config.airtime.region, address: airtime.address };
    }
    return found;
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
    /** What to send. */
    encoder: { codec: "mp3", bitrateKbps: sourceBitrateKbps },
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

/** What went on air: where it is kept, and for how many days. `aerial-archive` on a Master cuts it. */
export const recordings = recordingsKept && {
    bucket: recordingsKept.bucketName,
    region: recordingsKept.region,
    days: recordingsKept.days,
};

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

/**
 * How many droplets the station has, and how many the account must allow while all of them are replaced. Those that were
 * left behind come on top.
 */
export const droplets = { ...planDroplets(config), limit: config.digitalOcean.dropletLimit };

/**
 * What the station needs and costs in a month, item by item, at list prices; and what listeners each region carries. The next
 * preview compares its own with it.
 */
export const plan = planStation(stationToPlan(config));

/**
 * Droplets that earlier left behind: they keep their listeners until these leave, and cost money. As this `up` has found them
 * when it began; what it leaves behind itself, it says at its end. The text `not known` where DigitalOcean did not answer.
 */
export const draining = foundDroplets.apply((found) =>
    found === undefined
        ? "not known"
        : found
              .filter((droplet) => droplet.draining)
              .map(({ id, name, region, address, off }) => ({ droplet: id, name, region, address, off })),
);

/** The status page: what everyone may see; `team/` below it asks for a password. */
export const status = statusHost && `https://${statusHost}/`;

/** For the engineers: every machine that is always there, so not the canary's instances. */
export const machines: Record<string, KnownMachine> = {
    ...monitoredMachines,
    ...(monitoring && {
        monitoring: { role: "monitoring", region: monitoring.region, address: monitoring.address },
    }),
};

/** What each of these machines is, in short. The next preview tells by it what it would change. */
export const fingerprints = Object.fromEntries(
    [
        ...masters,
        ...relayPools.flatMap(({ relays }) => relays),
        ...(airtime ? [airtime] : []),
        ...(monitoring ? [monitoring] : []),
    ].map(({ name, fingerprint }) => [name, fingerprint]),
);
void announcePlan(plan).then(() =>
    announceChanges(
        fingerprints,
        { drainLimitSeconds: planDrain(config).drainLimitSeconds, waitFor },
        { linkPassword: linkGenerations, authority: authorityGenerations },
    ),
);
