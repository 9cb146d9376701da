/*
 * What somebody is told of, as a table. Each row becomes a rule of Prometheus; `aerial-alert` makes the message of its words.
 * Words are templates of Prometheus: `{{ $labels.channel }}`. Each row has its section in docs/runbooks/alerts.md.
 */

/** What rules have to know of a station. */
export interface AlertFacts {
    /** For how long a source may be silent before it counts as absent, in seconds. */
    silenceSeconds: number;
    /** What the prices of all droplets include together to send in a month, in GiB. */
    includedTransferGiB: number;
    /** Whether the station has a backup. */
    backup: boolean;
    /** Name of the playout's source; none when absent. */
    airtimeSource?: string | undefined;
}

export interface AlertRule {
    /** For example `OffAir`. The runbook's section is named after it: `off-air`. */
    name: string;
    /** `now`: somebody has to act, or to know, at once. `digest`: today is soon enough; Aerial has covered it. */
    severity: "now" | "digest";
    /** Who is told first. */
    audience: "studio" | "engineer";
    /** After how many seconds the engineer is told, too, where the studio is told first. */
    engineerAfterSeconds?: number;
    /** What is wrong, as PromQL. */
    expression: string;
    /** Whether its value is when it began, in seconds since 1970. Otherwise it began `forSeconds` before it fires. */
    valueIsBegin?: true;
    /** For how long it must be wrong. */
    forSeconds: number;
    /** For how long it must be well again before it is over; 0 when absent. */
    keepFiringSeconds?: number;
    /** Whether the audio around it tells something: it has the label `channel`. */
    clip?: true;
    /** What has happened, in a few words: the subject of the message. */
    title: string;
    /** What listeners hear. */
    what: string;
    /** What Aerial did, or does, by itself. */
    covered: string;
    /** Whether anybody has to do anything, and what. */
    todo: string;
}

const minute = 60;
/**
 * For how long a cause outlives its end, in seconds, so that what follows from it ends first and is not told: Ears and feeds
 * connect again within 30 s, DNS answers are 60 s old at most.
 */
const aftermath = 2 * minute;
/**
 * How long what listeners hear must last, in seconds, until it is told: a lost machine, which explains it, is known up to a
 * minute after its end. It does not answer a question for 10 s, the next one comes after 15, and that lasts for 30.
 */
export const untilCauseIsKnown = 45;
const hour = 60 * minute;
const day = 24 * hour;

/** A kind of run of the backup whose last success is older than this, where this was ever run. */
function olderThan(kind: string, seconds: number): string {
    return `label_replace(time() - aerial_backup_${kind}_last_success_timestamp_seconds > ${seconds}, "kind", "${kind}", "", "")`;
}

/** A kind of run of the backup that has left no trace on a playout that is seen. */
function neverRun(kind: string): string {
    return `label_replace(up{role="airtime"} == 1 unless on (machine) aerial_backup_${kind}_last_success_timestamp_seconds, "kind", "${kind}", "", "")`;
}

const nothingSeen = 'sum(up{job="machine",machine!="monitoring"}) == 0';
const sourceHere = "max by (channel, source) (aerial_master_source_connected)";
const relaysOf = 'count by (region) (up{role="relay"})';
const relaysWell = "count by (region) (aerial_relay_healthy == 1)";
const disks = 'node_filesystem_avail_bytes{fstype!~"tmpfs|overlay|ramfs|squashfs"}';
const diskSizes = 'node_filesystem_size_bytes{fstype!~"tmpfs|overlay|ramfs|squashfs"}';
const certificateEnd =
    "min(aerial_relay_certificate_not_after_seconds or aerial_master_certificate_not_after_seconds)";
// At DigitalOcean, eth1 is the private network, which is free.
const sentPerSecond =
    'sum(rate(node_network_transmit_bytes_total{device!~"eth1|docker.*|veth.*|br-.*"}[3d]))';

/** Every alert of a station. */
export function alertRules(facts: AlertFacts): AlertRule[] {
    // The studio is told before the source counts as absent. Speech has pauses, music has rests: none of so many seconds.
    const silentSeconds = Math.max(5, Math.floor(facts.silenceSeconds / 2));
    return [
        ...onAir(silentSeconds),
        ...sources(),
        ...machines(),
        ...names(),
        ...(facts.backup ? backup() : []),
        ...upkeep(facts.includedTransferGiB),
        ...watching(),
    ];
}

function onAir(silentSeconds: number): AlertRule[] {
    return [
        {
            name: "OffAir",
            severity: "now",
            audience: "engineer",
            expression: "aerial_ears_advancing == 0",
            forSeconds: untilCauseIsKnown,
            keepFiringSeconds: 15,
            clip: true,
            title: "Off air: {{ $labels.mount }} in {{ $labels.listen_region }}",
            what: "Nothing: a listener in {{ $labels.listen_region }} gets no audio from {{ $labels.mount }}.",
            covered:
                "DNS leaves out Relays that do not answer, and players connect again. That has not helped here.",
            todo: "Act now: look at which machines and links are lost, and bring them back.",
        },
        {
            name: "SilenceOnAir",
            severity: "now",
            audience: "studio",
            engineerAfterSeconds: minute,
            expression: `min by (channel) (time() - aerial_ears_silent_seconds and aerial_ears_silent_seconds >= ${silentSeconds})`,
            valueIsBegin: true,
            forSeconds: 0,
            keepFiringSeconds: 15,
            clip: true,
            title: "Silence on air: {{ $labels.channel }}",
            what: "Silence on {{ $labels.channel }}.",
            covered:
                "A source that stays silent counts as absent, and the next one is heard; that is why this comes before.",
            todo: "Studio: check microphone, mixer and encoder now. Engineer: act if it lasts.",
        },
        {
            name: "NoProgramme",
            severity: "now",
            audience: "engineer",
            expression:
                'max by (channel, listen_region, source) (aerial_ears_playing{source=~"standby|announcement|nothing"}) == 1',
            forSeconds: untilCauseIsKnown,
            keepFiringSeconds: 15,
            clip: true,
            title: "No programme on {{ $labels.channel }} in {{ $labels.listen_region }}: only {{ $labels.source }}",
            what: "{{ $labels.channel }}: no programme, only what is played when there is nothing else ({{ $labels.source }}).",
            covered:
                "It keeps listeners connected; the programme goes on by itself as soon as a source or a Master is back.",
            todo: "Act now: bring a source back (announcement), or a Master and its links (standby).",
        },
        {
            name: "OnlyEmergencyShows",
            severity: "now",
            audience: "engineer",
            expression: 'max by (channel) (aerial_ears_playing{source="emergency"}) == 1',
            // Longer than for a playout that is not seen, which is its cause.
            forSeconds: 2 * minute,
            keepFiringSeconds: 30,
            clip: true,
            title: "Only emergency shows on {{ $labels.channel }}",
            what: "Recorded shows of the backup, on {{ $labels.channel }}.",
            covered: "No source is present, so both Masters play emergency shows, for as long as it takes.",
            todo: "Act today, or now if live shows are due: bring the playout or the studio back.",
        },
        {
            name: "SideDead",
            severity: "now",
            audience: "studio",
            engineerAfterSeconds: 15 * minute,
            expression:
                "min by (channel) (time() - aerial_ears_side_dead_seconds and aerial_ears_side_dead_seconds >= 60)",
            valueIsBegin: true,
            forSeconds: 0,
            keepFiringSeconds: minute,
            clip: true,
            title: "One side is dead on {{ $labels.channel }}",
            what: "Only the left or only the right side of {{ $labels.channel }}; the other one is silent.",
            covered: "Nothing: one side is no reason to leave a source.",
            todo: "Studio: check cables and the mixer's balance.",
        },
    ];
}

function sources(): AlertRule[] {
    return [
        {
            name: "SourceLost",
            severity: "digest",
            audience: "engineer",
            // Who has not been there for half a day is not expected: a studio goes home.
            expression: `${sourceHere} == 0 and max_over_time(${sourceHere}[12h:1m]) == 1`,
            forSeconds: 2 * minute,
            title: "Source lost: {{ $labels.source }} of {{ $labels.channel }}",
            what: "The next source of {{ $labels.channel }}, by priority.",
            covered:
                "Both Masters went on with the next source within 2 s, and take this one back when it connects again. " +
                "After 12 h it no longer counts as missing.",
            todo: "Nothing if the show was over. Otherwise, ask the studio about its encoder and its line.",
        },
        {
            name: "SourceFlapping",
            severity: "now",
            audience: "studio",
            engineerAfterSeconds: 15 * minute,
            expression: `changes(${sourceHere}[15m:15s]) >= 6`,
            forSeconds: 0,
            keepFiringSeconds: 5 * minute,
            clip: true,
            title: "Source comes and goes: {{ $labels.source }} of {{ $labels.channel }}",
            what: "{{ $labels.channel }} jumps between {{ $labels.source }} and the next source.",
            covered: "Each time the next source is heard within 2 s.",
            todo: "Studio: check the line. Disconnect the encoder until it is stable, so that the programme stays with one source.",
        },
    ];
}

function machines(): AlertRule[] {
    return [
        {
            name: "MastersDown",
            severity: "now",
            audience: "engineer",
            expression: 'sum(up{role="master"}) == 0',
            forSeconds: 30,
            keepFiringSeconds: aftermath,
            title: "No Master is seen",
            what: "If both Masters are gone: the Relays' standby audio. If they are only not seen: the programme.",
            covered:
                "Relays play standby audio while no Master brings anything, and take the programme back by themselves.",
            todo: "Act now: bring a Master back.",
        },
        {
            name: "MasterDown",
            severity: "now",
            audience: "engineer",
            expression:
                'up{role="master"} == 0 or (up{role="master"} == 1 unless on (machine) aerial_master_healthy)',
            forSeconds: minute,
            keepFiringSeconds: minute,
            title: "{{ $labels.machine }} is not seen",
            what: "The programme as before, from the other Master.",
            covered: "Relays went on with the other Master at the next frame; sources connect there by DNS.",
            todo: "Act today: one Master is left. Restart it, or make it again.",
        },
        {
            name: "MasterUnwell",
            severity: "now",
            audience: "engineer",
            expression: "aerial_master_healthy == 0",
            forSeconds: 3 * minute,
            keepFiringSeconds: minute,
            title: "{{ $labels.machine }} is not well",
            what: "The programme as before; from the other Master where this one does not bring it.",
            covered: "Relays leave a Master that brings no audio; programs that end are started again.",
            todo: "Act today: `status` on the machine says what is wrong.",
        },
        {
            name: "RelayDown",
            severity: "digest",
            audience: "engineer",
            expression:
                'up{role="relay"} == 0 or (up{role="relay"} == 1 unless on (machine) aerial_relay_healthy) or ' +
                "(aerial_relay_healthy == 0 unless on (machine) aerial_relay_draining == 1)",
            forSeconds: 2 * minute,
            keepFiringSeconds: minute,
            title: "{{ $labels.machine }} does not serve",
            what: "The programme as before: its listeners were cut once, and connected to another Relay.",
            covered: "DNS leaves it out. Its region can serve without one Relay.",
            todo: "Today: make it again if it is lost. Nothing if it is only full.",
        },
        {
            name: "RelaysFew",
            severity: "now",
            audience: "engineer",
            expression: `${relaysOf} - ${relaysWell} >= 2`,
            forSeconds: 2 * minute,
            keepFiringSeconds: minute,
            title: "{{ $labels.region }}: {{ $value }} Relays do not serve",
            what: "The programme as before, while the Relays that are left have room.",
            covered: "DNS leaves these Relays out; when all others are full, listeners get the next region.",
            todo: "Act now: bring Relays back before one more is lost, or the evening's listeners come.",
        },
        {
            name: "RegionOut",
            severity: "now",
            audience: "engineer",
            expression: `label_replace(${relaysOf} unless on (region) (${relaysWell} or sum by (region) (aerial_relay_draining == 1)), "listen_region", "$1", "region", "(.*)")`,
            forSeconds: 30,
            keepFiringSeconds: aftermath,
            title: "Region {{ $labels.region }} is out",
            what: "The programme as before, from the next region, after one cut.",
            covered: "DNS answers with the next region. Where all else is lost, the canary's Relays serve.",
            todo: "Act now: look at DigitalOcean's status page; make the Relays again if they are lost.",
        },
        {
            name: "MachineUnseen",
            severity: "now",
            audience: "engineer",
            expression: 'up{job="machine",role!~"master|relay"} == 0',
            forSeconds: minute,
            keepFiringSeconds: minute,
            title: "{{ $labels.machine }} is not seen",
            what: "If the playout is lost: emergency shows, unless a studio is on air.",
            covered: "Masters play the next source, and then emergency shows.",
            todo: "Act today: restart the machine, or make it again.",
        },
    ];
}

function names(): AlertRule[] {
    return [
        {
            name: "DnsDisagrees",
            severity: "now",
            audience: "engineer",
            expression: "aerial_ears_dns_agrees == 0",
            forSeconds: 5 * minute,
            keepFiringSeconds: minute,
            title: "DNS and health disagree in {{ $labels.listen_region }}",
            what: "The programme, or nothing for those who get the address of a Relay that does not serve.",
            covered: "Players try the next address.",
            todo: "Act now: compare what DNS answers with the Relays that are well.",
        },
        {
            name: "CertificateEnds",
            severity: "now",
            audience: "engineer",
            expression: `${certificateEnd} - time() < ${5 * day}`,
            forSeconds: 10 * minute,
            title: "The public certificate ends in {{ $value | humanizeDuration }}",
            what: "The programme. When the certificate has ended: nothing, for players that use TLS.",
            covered: "The Masters try to renew it every day. That has failed for weeks.",
            todo: "Act today: `aerial-certificate status` on a Master says why.",
        },
        {
            name: "CertificateOld",
            severity: "digest",
            audience: "engineer",
            expression: `${certificateEnd} - time() < ${20 * day}`,
            forSeconds: hour,
            title: "The public certificate should have been renewed: it ends in {{ $value | humanizeDuration }}",
            what: "The programme as before.",
            covered: "The Masters try to renew it every day.",
            todo: "This week: `aerial-certificate status` on a Master says why it was not renewed.",
        },
        {
            name: "MachineCertificateEnds",
            severity: "digest",
            audience: "engineer",
            expression: `aerial_machine_certificate_not_after_seconds - time() < ${60 * day}`,
            forSeconds: hour,
            title: "The machine certificate of {{ $labels.machine }} ends in {{ $value | humanizeDuration }}",
            what: "The programme as before. When it has ended, the machine is not seen any more.",
            covered: "Each `pulumi up` renews certificates that end within a year.",
            todo: "This month: run `pulumi up`.",
        },
    ];
}

function backup(): AlertRule[] {
    const pending = `label_replace(aerial_backup_upload_oldest_pending_seconds > ${hour}, "kind", "upload", "", "")`;
    return [
        {
            name: "BackupOld",
            severity: "digest",
            audience: "engineer",
            expression: [
                olderThan("upload", hour),
                pending,
                olderThan("dump", 4 * hour),
                olderThan("configuration", 30 * hour),
            ].join(" or "),
            forSeconds: 10 * minute,
            title: "The backup is old: {{ $labels.kind }}",
            what: "The programme as before.",
            covered: "The backup is tried again by itself.",
            todo: "Today: `aerial-backup status` on the playout's machine says what fails.",
        },
        {
            name: "BackupUnproven",
            severity: "digest",
            audience: "engineer",
            expression: [
                olderThan("audit", 30 * hour),
                olderThan("drill", 30 * hour),
                olderThan("drill_all", 8 * day),
            ].join(" or "),
            forSeconds: 10 * minute,
            title: "The backup is unproven: no good {{ $labels.kind }} for {{ $value | humanizeDuration }}",
            what: "The programme as before.",
            covered: "Audit and restore drill run again tomorrow.",
            todo: "Today: read in `aerial-backup status` what was found, before the backup is needed.",
        },
        {
            name: "BackupNever",
            severity: "digest",
            audience: "engineer",
            expression: ["upload", "dump", "audit", "drill"].map(neverRun).join(" or "),
            forSeconds: 30 * hour,
            title: "The backup has never done this: {{ $labels.kind }}",
            what: "The programme as before.",
            covered: "Nothing: its timer does not start it.",
            todo: "Today: look at the timers of the backup on the playout's machine.",
        },
    ];
}

function upkeep(includedTransferGiB: number): AlertRule[] {
    const memory = "node_memory_MemAvailable_bytes";
    const memorySize = "node_memory_MemTotal_bytes";
    return [
        {
            name: "DiskFull",
            severity: "now",
            audience: "engineer",
            expression: `${disks} / ${diskSizes} < 0.05`,
            forSeconds: 5 * minute,
            keepFiringSeconds: 5 * minute,
            title: "The disk of {{ $labels.machine }} is full: {{ $labels.mountpoint }}",
            what: "The programme as before, for now.",
            covered: "Logs, recordings and metrics keep their limits, and go by age.",
            todo: "Act today: find what grew, and make room.",
        },
        {
            name: "DiskFullSoon",
            severity: "digest",
            audience: "engineer",
            expression: `${disks} / ${diskSizes} < 0.3 and predict_linear(${disks}[6h], ${2 * day}) < 0`,
            forSeconds: hour,
            keepFiringSeconds: hour,
            title: "The disk of {{ $labels.machine }} will be full within two days: {{ $labels.mountpoint }}",
            what: "The programme as before.",
            covered: "Logs, recordings and metrics keep their limits, and go by age.",
            todo: "Today: find what grows, and make room.",
        },
        {
            name: "TransferRunsOut",
            severity: "digest",
            audience: "engineer",
            expression: `${sentPerSecond} * ${day} * days_in_month() / 2^30 > ${includedTransferGiB}`,
            forSeconds: 6 * hour,
            keepFiringSeconds: 6 * hour,
            title: `The month's transfer is too small: at this pace {{ $value | printf "%.0f" }} GiB of ${includedTransferGiB}`,
            what: "The programme as before.",
            covered: "Nothing: DigitalOcean goes on, and bills what is beyond.",
            todo: "This week: see in `npm run plan` whether one more droplet is cheaper than what is beyond.",
        },
        {
            name: "ClockWrong",
            severity: "digest",
            audience: "engineer",
            // When it was read, by the clock of the monitoring machine, and what it read.
            expression: "abs(node_time_seconds - timestamp(node_time_seconds)) > 2",
            forSeconds: 5 * minute,
            title: "The clock of {{ $labels.machine }} is wrong by {{ $value | humanizeDuration }}",
            what: "The programme as before. Certificates, recordings and schedules go by the clock.",
            covered: "Nothing: systemd-timesyncd does not reach its servers.",
            todo: "Today: `timedatectl timesync-status` on the machine. If all are wrong, it is the monitoring machine's own clock.",
        },
        {
            name: "MemoryGrows",
            severity: "digest",
            audience: "engineer",
            expression:
                `${memory} / ${memorySize} < 0.08 or ` +
                `(${memory} / ${memorySize} < 0.4 and predict_linear(${memory}[6h], ${day}) < 0.05 * ${memorySize})`,
            forSeconds: 30 * minute,
            keepFiringSeconds: 30 * minute,
            title: "{{ $labels.machine }} runs out of memory",
            what: "The programme as before.",
            covered: "A program that takes too much is ended by the system, and started again.",
            todo: "Today: `systemd-cgtop -m` on the machine shows which program grows.",
        },
        {
            name: "SecurityUpdatesPending",
            severity: "digest",
            audience: "engineer",
            expression: "aerial_security_updates_pending > 0",
            forSeconds: 3 * day,
            title: "{{ $labels.machine }}: security updates wait for three days",
            what: "The programme as before.",
            covered: "Updates are installed by night, each day. These were not.",
            todo: "This week: read /var/log/unattended-upgrades on the machine.",
        },
    ];
}

function watching(): AlertRule[] {
    return [
        {
            name: "NothingSeen",
            severity: "now",
            audience: "engineer",
            expression: nothingSeen,
            forSeconds: 0,
            // The first machine is seen again a while before the last one.
            keepFiringSeconds: aftermath + minute,
            title: "The monitoring machine sees no other machine",
            what: "Not known. Probably the programme: it is more likely that the monitoring machine is cut off.",
            covered: "Nothing on air depends on the monitoring machine.",
            todo: "Act now: listen yourself. Then look at the monitoring machine's network.",
        },
        {
            name: "EarsAway",
            severity: "digest",
            audience: "engineer",
            expression:
                "time() - max(aerial_ears_seen_timestamp_seconds) > 120 or absent(aerial_ears_seen_timestamp_seconds)",
            forSeconds: 5 * minute,
            title: "Nobody listens: the Ears do not tell anything",
            what: "The programme as before, as far as machines tell.",
            covered: "The Ears are started again. Machines are still watched; silence and titles are not.",
            todo: "Today: read the journal of the Ears on the monitoring machine.",
        },
        {
            name: "MessagesUndelivered",
            severity: "digest",
            audience: "engineer",
            expression: "time() - (aerial_alert_waiting_since_seconds > 0) > 900",
            forSeconds: minute,
            title: "Messages do not arrive: {{ $labels.receiver }}",
            what: "The programme as before.",
            covered: "It is tried again, less and less often, for three days.",
            todo: "Today: `aerial-alert test` on the monitoring machine says what the receiver answers.",
        },
    ];
}

/** What says to the world outside that rules are evaluated and messages get out: it always fires. */
export const watchdogName = "Watchdog";

/** While one fires, others are not told: they follow from it. */
export interface Inhibition {
    cause: string;
    /** What the cause's labels must be, too. */
    causeLabels?: Record<string, string>;
    effects: readonly string[];
    effectLabels?: Record<string, string>;
    /** Labels that must be the same of both. */
    equal: readonly string[];
}

/** Which alerts follow from which. */
export function inhibitions({ airtimeSource }: AlertFacts): Inhibition[] {
    const onAirOnly = ["SilenceOnAir", "NoProgramme", "OnlyEmergencyShows", "SideDead", "SourceFlapping"];
    return [
        {
            cause: "NothingSeen",
            effects: [
                ...[
                    "OffAir",
                    ...onAirOnly,
                    "MastersDown",
                    "MasterDown",
                    "MasterUnwell",
                    "RelayDown",
                    "RelaysFew",
                ],
                ...["RegionOut", "MachineUnseen", "DnsDisagrees", "SourceLost"],
            ],
            equal: [],
        },
        {
            cause: "MastersDown",
            effects: ["MasterDown", "MasterUnwell", "NoProgramme", "SourceLost"],
            equal: [],
        },
        { cause: "RegionOut", effects: ["RelayDown", "RelaysFew"], equal: ["region"] },
        { cause: "RegionOut", effects: ["OffAir", "NoProgramme", "DnsDisagrees"], equal: ["listen_region"] },
        { cause: "RelaysFew", effects: ["RelayDown"], equal: ["region"] },
        { cause: "OffAir", effects: onAirOnly, equal: ["channel"] },
        { cause: "NoProgramme", effects: ["SilenceOnAir", "SideDead", "SourceLost"], equal: ["channel"] },
        { cause: "OnlyEmergencyShows", effects: ["SourceLost"], equal: ["channel"] },
        { cause: "SilenceOnAir", effects: ["SideDead"], equal: ["channel"] },
        { cause: "SourceFlapping", effects: ["SourceLost"], equal: ["channel", "source"] },
        ...(airtimeSource === undefined
            ? []
            : [
                  {
                      cause: "MachineUnseen",
                      causeLabels: { machine: "airtime" },
                      effects: ["SourceLost"],
                      effectLabels: { source: airtimeSource },
                      equal: [],
                  },
                  {
                      cause: "MachineUnseen",
                      causeLabels: { machine: "airtime" },
                      effects: ["OnlyEmergencyShows"],
                      equal: [],
                  },
              ]),
        { cause: "CertificateEnds", effects: ["CertificateOld"], equal: [] },
        { cause: "DiskFull", effects: ["DiskFullSoon"], equal: ["machine", "mountpoint"] },
        // A machine that is not seen has no state of its own.
        { cause: "MachineUnseen", effects: ["BackupOld", "BackupUnproven"], equal: ["machine"] },
    ];
}

/** The anchor of an alert's section in docs/runbooks/alerts.md: `OffAir` has `off-air`. */
export function runbookAnchor(name: string): string {
    return name.replace(/(?!^)([A-Z])/g, "-$1").toLowerCase();
}
