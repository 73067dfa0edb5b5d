import { ConfigError } from "../core/errors.js";

/** A connection string for postgres.js. The driver sends unknown parameters to PostgreSQL, which refuses them. */
export interface ConnectionTarget {
  readonly url: string;
  /** The address and account, where the string gives them as query parameters. */
  readonly options: {
    readonly host?: string;
    readonly port?: number;
    readonly username?: string;
    readonly password?: string;
    readonly database?: string;
  };
}

/** Parameters of other drivers, ORMs and poolers. Neither PostgreSQL nor a worker has a use for them, so they are dropped. */
const ignoredParameters = new Set(
  `channel_binding client_encoding connection_limit fallback_application_name gssdelegation gssencmode gsslib
  keepalives keepalives_count keepalives_idle keepalives_interval krbsrvname load_balance_hosts max_protocol_version
  min_protocol_version pgbouncer pool_max_conn_idle_time pool_max_conn_lifetime pool_max_conns pool_min_conns pool_mode pool_size
  pool_timeout preparethreshold prepared_statements require_auth requirepeer socket_timeout ssl_max_protocol_version
  ssl_min_protocol_version sslaccept sslcertmode sslcompression sslsni statement_cache_size supa tcp_user_timeout
  uselibpqcompat workaround`.split(/\s+/),
);

/** Parameters that cannot be dropped: the connection would be less secure than configured, or use another server or account. */
const unsupportedParameters: Readonly<Record<string, string>> = {
  sslcert: "client certificates are not supported",
  sslkey: "client certificates are not supported",
  sslpassword: "client certificates are not supported",
  sslidentity: "client certificates are not supported",
  sslcrl: "revocation lists are not supported",
  sslcrldir: "revocation lists are not supported",
  sslrootcert: "name the file in the environment variable NODE_EXTRA_CA_CERTS, and set sslmode=verify-full",
  service: "service files are not read: give host, user and database",
  servicefile: "service files are not read: give host, user and database",
  passfile: "password files are not read: give the password",
};

/** The driver's options for the address and account, by their libpq names. */
const targetOptions: Readonly<Record<string, keyof ConnectionTarget["options"]>> = {
  host: "host",
  port: "port",
  user: "username",
  password: "password",
  dbname: "database",
};

/**
 * Converts a connection string for postgres.js, so that strings for libpq, node-postgres, Prisma and poolers work. Settings of
 * PostgreSQL, such as `options` or `statement_timeout`, are kept.
 *
 * @throws ConfigError if a parameter is unsupported and must not be ignored; it says what to do instead
 */
export function parseConnectionString(connectionString: string): ConnectionTarget {
  const [address = "", query] = splitOnce(connectionString, "?");
  if (query === undefined) return { url: connectionString, options: {} };
  const remaining = new URLSearchParams();
  const options: Record<string, string | number> = {};
  for (const [name, value] of new URLSearchParams(query)) {
    const option = Object.hasOwn(targetOptions, name) ? targetOptions[name] : undefined;
    if (option) options[option] = option === "port" ? Number(value) : value;
    else if (name === "sslrootcert" && value === "system") remaining.set("sslmode", "verify-full");
    else if (Object.hasOwn(unsupportedParameters, name))
      throw createParameterError(name, unsupportedParameters[name] as string);
    else if (name === "schema") checkSchema(value);
    else if (!ignoredParameters.has(name.toLowerCase())) remaining.append(name, value);
  }
  // The driver decodes %20 as a space, but not a plus, which URLSearchParams writes.
  const rest = remaining.toString().replaceAll("+", "%20");
  return { url: rest === "" ? address : `${address}?${rest}`, options };
}

/** Prisma's `schema` corresponds to PostgreSQL's `search_path`. */
function checkSchema(schema: string): void {
  if (schema === "public") return;
  throw createParameterError("schema", `set options=-c%20search_path%3D${encodeURIComponent(schema)} instead`);
}

function createParameterError(name: string, remedy: string): ConfigError {
  return new ConfigError(`connection: remove the parameter ${name} from the connection string: ${remedy}`);
}

function splitOnce(text: string, at: string): [string, string | undefined] {
  const index = text.indexOf(at);
  return index < 0 ? [text, undefined] : [text.slice(0, index), text.slice(index + 1)];
}
