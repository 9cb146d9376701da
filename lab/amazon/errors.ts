import { randomUUID } from "node:crypto";

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

/** @throws AwsError, with the same arguments. */
export function refuse(...refusal: ConstructorParameters<typeof AwsError>): never {
    throw new AwsError(...refusal);
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
