/* What policies of buckets are made of. Plain documents: a preview shows them whole. */

/** A statement as IAM reads it. */
export interface PolicyStatement {
    Sid: string;
    Effect: "Allow" | "Deny";
    Principal?: "*" | { Service: string };
    Action: string | string[];
    Resource?: string[];
    Condition?: Record<string, Record<string, string>>;
}

export interface PolicyDocument {
    Version: "2012-10-17";
    Statement: PolicyStatement[];
}

export function policyDocument(...statements: PolicyStatement[]): PolicyDocument {
    return { Version: "2012-10-17", Statement: statements };
}

export function bucketArn(bucket: string): string {
    return `arn:aws:s3:::${bucket}`;
}

/** All of its objects. */
export function objectsArn(bucket: string): string {
    return `${bucketArn(bucket)}/*`;
}

/** On every bucket: nobody speaks to it without TLS. Amazon's own end takes none below TLS 1.2 (since 2024-02). */
export function tlsOnlyPolicy(bucket: string): PolicyDocument {
    return policyDocument({
        Sid: "TlsOnly",
        Effect: "Deny",
        Principal: "*",
        Action: "s3:*",
        Resource: [bucketArn(bucket), objectsArn(bucket)],
        Condition: { Bool: { "aws:SecureTransport": "false" } },
    });
}
