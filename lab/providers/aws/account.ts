/** The lab's account at Amazon, in every ARN. */
export const labAccount = "123456789012";
