/** Where every machine of a monitored station offers its metrics, over TLS, to who has the monitoring machine's certificate. */
export const metricsPort = 9100;

/** Where the monitoring machine takes the journals of other machines, over TLS, from who has a machine certificate. */
export const journalPort = 19532;

/** Name of the monitoring machine's machine. */
export const monitoringName = "monitoring";

/** A name in the certificate of every machine of the station: who connects to machines by address checks this one. */
export const anyMachineTlsName = "machine.aerial";

/** The name in a machine's own certificate. It is never resolved, only compared. */
export function machineTlsName(machine: string): string {
    return `${machine}.${anyMachineTlsName}`;
}

/** Name of a machine's role: a label of its metrics. */
export type RoleName = "master" | "relay" | "airtime" | "monitoring";

/** A machine whose metrics are read. */
export interface MonitoredMachine {
    role: RoleName;
    /** Provider region. */
    region: string;
    /** Where it offers its metrics. */
    address: string;
}
