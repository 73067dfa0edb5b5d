import { ConfigError } from "../core/errors.js";

/** A connection string as postgres.js takes it: it sends what it does not know to PostgreSQL, which refuses that. */
export interface ConnectionTarget {
  readonly url: string;
  /** What the string says behind the question mark of where to connect, and as whom. */
  readonly options: {
    readonly host?: string;
    readonly port?: number;
    readonly username?: string;
    readonly password?: string;
    readonly database?: string;
  };
}

/** Parameters of other drivers, ORMs and poolers that say nothing to PostgreSQL, and nothing that a worker would do otherwise. */
const ofOthers = new Set(
  `channel_binding client_encoding connection_limit fallback_application_name gssdelegation gssencmode gsslib
  keepalives keepalives_count keepalives_idle keepalives_interval krbsrvname load_balance_hosts max_protocol_version
  min_protocol_version pgbouncer pool_max_conn_idle_time pool_max_conn_lifetime pool_max_conns pool_min_conns pool_mode pool_size
  pool_timeout preparethreshold prepared_statements require_auth requirepeer socket_timeout ssl_max_protocol_version
  ssl_min_protocol_version sslaccept sslcertmode sslcompression sslsni statement_cache_size supa tcp_user_timeout
  uselibpqcompat workaround`.split(/\s+/),
);

/** Files: to leave one out would connect otherwise than was asked for. */
const files: Readonly<Record<string, string>> = {
  sslcert: "client certificates are not supported",
  sslkey: "client certificates are not supported",
  sslpassword: "client certificates are not supported",
  sslidentity: "client certificates are not supported",
  sslcrl: "revocation lists are not supported",
  sslcrldir: "revocation lists are not supported",
  sslrootcert: "name the file in the environment variable NODE_EXTRA_CA_CERTS, and say sslmode=verify-full",
  service: "service files are not read: give host, user and database",
  servicefile: "service files are not read: give host, user and database",
  passfile: "password files are not read: give the password",
};

/** Where to connect, in libpq's words, and in the driver's. */
const places: Readonly<Record<string, keyof ConnectionTarget["options"]>> = {
  host: "host",
  port: "port",
  user: "username",
  password: "password",
  dbname: "database",
};

/**
 * Takes a connection string apart for postgres.js, so that whatever libpq, node-postgres, Prisma and poolers take will do. What
 * PostgreSQL itself knows, such as `options` or `statement_timeout`, stays.
 *
 * @throws ConfigError naming a parameter that cannot be left out, and what to do
 */
export function connectionTarget(connectionString: string): ConnectionTarget {
  const [address = "", query] = splitOnce(connectionString, "?");
  if (query === undefined) return { url: connectionString, options: {} };
  const kept = new URLSearchParams();
  const options: Record<string, string | number> = {};
  for (const [name, value] of new URLSearchParams(query)) {
    const place = Object.hasOwn(places, name) ? places[name] : undefined;
    if (place) options[place] = place === "port" ? Number(value) : value;
    else if (name === "sslrootcert" && value === "system") kept.set("sslmode", "verify-full");
    else if (Object.hasOwn(files, name)) throw refused(name, files[name] as string);
    else if (name === "schema") checkSchema(value);
    else if (!ofOthers.has(name.toLowerCase())) kept.append(name, value);
  }
  // As it was written where nothing is left out: the driver decodes a space from %20, and not from a plus.
  const rest = kept.toString().replaceAll("+", "%20");
  return { url: rest === "" ? address : `${address}?${rest}`, options };
}

/** Prisma's, which PostgreSQL calls otherwise. */
function checkSchema(schema: string): void {
  if (schema === "public") return;
  throw refused("schema", `say options=-c%20search_path%3D${encodeURIComponent(schema)} instead`);
}

function refused(name: string, instead: string): ConfigError {
  return new ConfigError(`connection: remove the parameter ${name} from the connection string: ${instead}`);
}

function splitOnce(text: string, at: string): [string, string | undefined] {
  const index = text.indexOf(at);
  return index < 0 ? [text, undefined] : [text.slice(0, index), text.slice(index + 1)];
}
