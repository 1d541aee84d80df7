/** One question about who we are, and what is known of the answer. Field names are the protocol's. */
export interface Credential {
  protocol?: string | undefined;
  host?: string | undefined;
  path?: string | undefined;
  username?: string | undefined;
  password?: string | undefined;
  password_expiry_utc?: string | undefined;
  oauth_refresh_token?: string | undefined;
  authtype?: string | undefined;
  credential?: string | undefined;
  ephemeral?: boolean | undefined;
  continued?: boolean | undefined;
  readonly wwwauth?: readonly string[] | undefined;
  state?: readonly string[] | undefined;
  capabilities?: readonly string[] | undefined;
}

/** Where names and passwords come from. */
export interface CredentialSource {
  /** Completes the question, or throws where nobody answers. */
  fill(question: Credential): Promise<Credential>;
  /** The answer was right. */
  approve(answer: Credential): Promise<void>;
  /** The answer was wrong. */
  reject(answer: Credential): Promise<void>;
}
