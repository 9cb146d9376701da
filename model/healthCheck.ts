/** How a machine proves that it can be sent to. */
export interface HealthCheck {
    /** Path that answers 200 while the machine is healthy. */
    path: string;
    port: number;
    intervalSeconds: number;
    timeoutSeconds: number;
    /** Tries within one check before it counts as failed. */
    retries: number;
    /** Failed checks in a row until a machine is down. */
    downAfter: number;
    /** Good checks in a row until it is up again. */
    upAfter: number;
}
