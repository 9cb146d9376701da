import { randomBytes, randomUUID } from "node:crypto";

/**
 * An error as Amazon's client writes it, so that what fails here reads as it would there: for example
 * `operation error EC2: CreateVpc, https response error StatusCode: 400, RequestID: …, api error InvalidVpcRange: …`.
 */
export class AwsError extends Error {
    constructor(
        /** Service and operation, `EC2: CreateVpc`. */
        operation: string,
        readonly code: string,
        reason: string,
        status = 400,
    ) {
        super(
            `operation error ${operation}, https response error StatusCode: ${status}, ` +
                `RequestID: ${randomUUID()}, api error ${code}: ${reason}`,
        );
        this.name = "AwsError";
    }
}

/** Adds what the provider was doing, as the real one does: `creating EC2 VPC: operation error …`. */
export async function doing<T>(what: string, body: () => Promise<T>): Promise<T> {
    try {
        return await body();
    } catch (error) {
        if (error instanceof AwsError) {
            throw new Error(`${what}: ${error.message}`, { cause: error });
        }
        throw error;
    }
}

/** An id such as `vpc-0a1b2c3d4e5f67890`. */
export function newId(kind: string): string {
    return `${kind}-0${randomBytes(8).toString("hex")}`;
}

/** A name from a prefix, with an end that sorts by time, as the real provider makes it. */
export function nameFrom(prefix: string): string {
    const time = new Date().toISOString().replace(/\D/g, "").slice(0, 14);
    return `${prefix}${time}${randomBytes(6).toString("hex")}`;
}
