// Stands for the login that your application has: a cookie that says who it is, signed so that nobody can make one up.
import { createHmac, randomBytes, timingSafeEqual } from "node:crypto";

/** Where none is set, nobody stays logged in when this process ends. */
const ownSecret = randomBytes(32);

/** What to set as a cookie for somebody who has logged in. */
export function sessionCookie(user: string): string {
  return `session=${user}.${signature(user)}`;
}

/** Who sent a request, if they are logged in. */
export function userOf(request: Request): string | undefined {
  const [, user = "", signed = ""] =
    /(?:^|; )session=(\w+)\.([\da-f]{64})(?:;|$)/.exec(request.headers.get("cookie") ?? "") ?? [];
  const isGenuine = signed !== "" && timingSafeEqual(Buffer.from(signed), Buffer.from(signature(user)));
  return isGenuine ? user : undefined;
}

function signature(user: string): string {
  return createHmac("sha256", process.env["SESSION_SECRET"] ?? ownSecret)
    .update(user)
    .digest("hex");
}
