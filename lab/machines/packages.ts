/** A package of the base image, and its units that only some roles run. */
interface ImagePackage {
    name: string;
    /** Units that Debian enables on installation and that the image switches off again. */
    disabledUnits?: string[];
}

/**
 * The packages of the base image: all that any role's `packages:` names, so that machines install them without a network.
 * If one is missing here, cloud-init fails on the machine, as it does in the cloud for a wrong name.
 */
export const imagePackages: readonly ImagePackage[] = [
    // The system, as a Debian droplet has it.
    { name: "apt" },
    { name: "ca-certificates" },
    { name: "cloud-init", disabledUnits: ["cloud-init-hotplugd.socket"] },
    { name: "curl" },
    { name: "dbus" },
    { name: "iproute2" },
    { name: "iputils-ping" },
    { name: "jq" },
    { name: "netcat-openbsd" },
    { name: "nftables" },
    { name: "openssh-server", disabledUnits: ["sshd-keygen.service"] },
    { name: "openssl" },
    { name: "procps" },
    { name: "python3" },
    { name: "sudo" },
    { name: "systemd", disabledUnits: ["systemd-pstore.service"] },
    { name: "systemd-sysv" },
    { name: "tzdata" },
    { name: "unattended-upgrades" },
    { name: "xz-utils" },
    // Radio.
    { name: "espeak-ng" },
    { name: "ffmpeg" },
    { name: "icecast2", disabledUnits: ["icecast2.service"] },
    { name: "libnginx-mod-http-js" },
    { name: "libnginx-mod-stream" },
    { name: "liquidsoap" },
    { name: "nginx", disabledUnits: ["nginx.service"] },
    // Names and certificates.
    { name: "gdnsd", disabledUnits: ["gdnsd.service"] },
    { name: "lego" },
    // Airtime and its backup; also the program by which machines at Amazon read their parameters.
    { name: "age" },
    { name: "postgresql", disabledUnits: ["postgresql.service"] },
    { name: "python3-boto3" },
    // Monitoring.
    { name: "prometheus", disabledUnits: ["prometheus.service"] },
    { name: "prometheus-alertmanager", disabledUnits: ["prometheus-alertmanager.service"] },
    { name: "prometheus-node-exporter", disabledUnits: ["prometheus-node-exporter.service"] },
    { name: "systemd-journal-remote", disabledUnits: ["systemd-journal-remote.socket"] },
    // For the tests of what is rendered.
    { name: "xmlstarlet" },
];

/**
 * Packages that some machines install in place of those of the image, as apt takes them. The image has them, and what
 * they need, in its repository of backports.
 */
export const offeredPackages: readonly string[] = ["icecast2=2.5.*", "libigloo0t64/trixie-backports"];

/** Timers that would only use processor time: the lab has no way out, and its machines live for hours. */
export const disabledTimers: readonly string[] = [
    "apt-daily.timer",
    "apt-daily-upgrade.timer",
    "dpkg-db-backup.timer",
    "e2scrub_all.timer",
    "fstrim.timer",
];
