// A stand-in for your application's login: a cookie with the user's name, signed so that it cannot be forged.
import { createHmac, randomBytes, timingSafeEqual } from "node:crypto";

/** Used without SESSION_SECRET: sessions then end with this process. */
const ownSecret = randomBytes(32);

/** Returns the session cookie for a user who has logged in. */
export function sessionCookie(user: string): string {
  return `session=${user}.${signature(user)}`;
}

/** Returns the user who sent a request, or undefined if nobody is logged in. */
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
