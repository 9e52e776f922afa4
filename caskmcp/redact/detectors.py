"""The table of detectors: what is cut, told by the name it stands under or by its own form.

A row has names or a form, never both. Names are phrases of words: a field is meant if its name ends with the phrase (`new_password`,
`X-Api-Key`; `max_tokens` is not `token`). A form is an re2 pattern; its first group, if there is one, is the part that is cut. What is
found is cut only if the row's check holds, and the row's kind says which placeholder takes its place.

Several forms of cloud keys are adapted from gitleaks (https://github.com/gitleaks/gitleaks), MIT License, Copyright (c) 2019 Zachary Rice;
its notice is in `data/gitleaks.NOTICE.txt`.
"""

from typing import Final, NamedTuple


class Detector(NamedTuple):
    """One row. `id` is what the receipt counts by."""

    id: str
    kind: str
    """Kind of placeholder, see `placeholder`."""
    names: tuple[str, ...] = ()
    """Phrases that a name ends with; `=code` is the whole name."""
    form: str = ""
    check: str = ""
    """Predicate of `checks`; empty: whatever is found."""
    strict: bool = False
    """Only under `profile: strict`."""
    auth: str = ""
    """Where a name is how a request authenticates and not an input of the operation: `header`, or `any` (header and query)."""
    across: bool = False
    """The form spans several segments of a path."""
    under: tuple[str, ...] = ()
    """The name counts only in an object that stands under one of these words."""


_WORDS_FOR_PEOPLE: Final = """user customer contact person patient employee member recipient sender owner assignee guest passenger driver student teacher profile
    billing shipping cardholder payer buyer seller candidate applicant subscriber reviewer creator friend attendee tenant borrower"""
_PEOPLE: Final = tuple(_WORDS_FOR_PEOPLE.split())

_RUN: Final = r"(?:^|[^0-9A-Za-z+/_.:-])([0-9A-Za-z+/_-]{20,}={0,2})|([0-9A-Za-z+_-]{20,}={0,2})"
"""A run of base64's letters. A slash counts only where the run is not a part of a URL or a path."""

# fmt: off
DETECTORS: Final = (
    # --- credentials by name -------------------------------------------------------------------------------------------------------
    Detector("password",        "secret",   ("password", "passwd", "pwd", "passphrase", "pass phrase", "pass word", "passcode", "password confirmation",
                                             "password confirm", "password hash", "password digest", "password repeat", "password verify", "passwort",
                                             "kennwort", "contrasena", "contraseña", "mot de passe", "senha", "wachtwoord", "haslo", "=pass", "=pw", "user pass",
                                             "passwords", "passkey", "login pass", "db pass"), check="something", auth="header"),
    Detector("secret",          "secret",   ("secret", "secret key", "secret value", "secret string", "secret access key", "private key", "private key pem",
                                             "signing key", "encryption key", "master key", "account key", "storage key", "shared key", "host key",
                                             "deploy key", "service account key", "seed phrase", "mnemonic", "recovery phrase", "credential",
                                             "credentials", "keystore", "secret hash", "client secret", "ssh key", "rsa key", "pgp key", "gpg key", "wallet key",
                                             "secret access", "service account json", "kubeconfig", "amz credential", "goog credential"), check="something", auth="header"),
    Detector("api-key",         "secret",   ("api key", "apikey", "api token", "access key", "access key id", "subscription key", "app key", "application key",
                                             "auth key", "functions key", "integration key", "license key", "x key", "key secret", "api secret",
                                             "api key id", "writekey", "write key"), check="something", auth="any"),
    Detector("connection",      "secret",   ("connection string", "conn string", "conn str", "connectionstring", "connection uri", "connection url", "database url",
                                             "db url", "redis url", "mongo url", "mongodb uri", "amqp url", "broker url", "jdbc url", "dsn",
                                             "webhook url", "incoming webhook"), check="connected"),
    Detector("authorization",   "secret",   ("authorization", "x authorization", "authentication", "auth header", "=auth", "x auth", "authheader",
                                             "http auth", "credentials header"), check="authorized", auth="any"),
    Detector("access-token",    "token",    ("access token", "auth token", "authtoken", "bearer", "bearer token", "session token", "user token",
                                             "security token", "oauth token", "personal access token", "private token", "vault token", "job token",
                                             "deploy token", "service token", "jwt", "x token"), check="something", auth="any"),
    Detector("token",           "token",    ("token", "refresh token", "id token", "token value", "token string", "raw token", "token secret", "token hash",
                                             "saml response", "saml request", "assertion", "code verifier", "authenticity token", "device token",
                                             "registration token", "reset link", "magic link", "invite link", "ticket granting ticket"), check="something", auth="header"),
    Detector("tokens",          "token",    ("=tokens", "access tokens", "refresh tokens", "auth tokens", "api tokens", "=secrets", "api keys", "private keys"), check="opaque"),
    Detector("csrf",            "token",    ("csrf", "xsrf", "csrf token", "xsrf token", "csrfmiddlewaretoken", "request verification token",
                                             "anti forgery token", "csrf key"), check="something"),
    Detector("session",         "token",    ("session", "session id", "session key", "sessionid", "=sid", "sessid", "phpsessid", "jsessionid", "connect sid",
                                             "asp net session id", "cookie", "set cookie", "remember me", "auth session", "laravel session"), check="opaque", auth="header"),
    Detector("cookies",         "token",    ("cookie", "set cookie", "cookies", "cookie header", "cookie string"), check="assigned"),
    Detector("otp",             "secret",   ("otp", "otp code", "totp", "totp code", "mfa code", "two factor code", "2fa code", "verification code",
                                             "one time code", "one time password", "sms code", "security code", "pin", "pin code", "cvv", "cvc", "cvv2",
                                             "cvc2", "card verification value", "card security code", "backup code", "recovery code", "pairing code",
                                             "confirmation code", "=tan", "unlock code"), check="something"),
    Detector("oauth-code",      "secret",   ("=code", "authorization code", "auth code", "device code", "user code", "code challenge", "=state", "=nonce",
                                             "oauth state"), check="long_opaque"),
    Detector("signature",       "secret",   ("signature", "=sig", "hmac", "amz signature", "goog signature", "hub signature", "request signature",
                                             "policy signature", "=hash"), check="long_opaque"),
    # --- credentials by form -------------------------------------------------------------------------------------------------------
    Detector("pem",             "pem",      form=r"-----BEGIN [A-Z0-9 ]{0,40}(?:PRIVATE KEY|CERTIFICATE|KEY)[A-Z ]{0,20}-----(?s:.*?)(?:-----END [A-Z0-9 ]{0,60}-----|\z)|PuTTY-User-Key-File-[0-9]: (?s:.*)"),
    Detector("age-key",         "secret",   form=r"AGE-SECRET-KEY-1[0-9A-Za-z]{20,}|AGE-PLUGIN-[0-9A-Z-]{1,40}-1[0-9A-Z]{20,}"),
    Detector("jwt",             "jwt",      form=r"eyJ[0-9A-Za-z_-]{8,}\.(?:[0-9A-Za-z_-]{8,}(?:\.[0-9A-Za-z_-]*){0,3}|(?:\.[0-9A-Za-z_-]+){3})"),
    Detector("paseto",          "secret",   form=r"\bv[1-4]\.(?:local|public)\.[0-9A-Za-z_-]{20,}"),
    Detector("aws-key-id",      "secret",   form=r"(?:A3T[A-Z0-9]|AKIA|ASIA|ABIA|ACCA|AROA|AIDA|AGPA|ANPA)[A-Z0-9]{16}"),
    Detector("aws-bedrock",     "secret",   form=r"\bABSK[0-9A-Za-z+/]{60,}={0,2}|\bbedrock-api-key-[0-9A-Za-z+/=]{20,}"),
    Detector("aws-signature",   "secret",   form=r"AWS4-HMAC-SHA256[ ,]+Credential=[^\n]*|AWS4-ECDSA-P256-SHA256[ ,]+Credential=[^\n]*"),
    Detector("gcp-key",         "secret",   form=r"AIza[0-9A-Za-z_-]{28,}"),
    Detector("gcp-token",       "secret",   form=r"\bya29\.[0-9A-Za-z_.-]{16,}|\b1//0[0-9A-Za-z_-]{20,}|GOCSPX-[0-9A-Za-z_-]{20,}|\b4/0A[0-9A-Za-z_-]{16,}"),
    Detector("azure-key",       "secret",   form=r"[0-9A-Za-z+/]{86}==|\b[0-9A-Za-z_~.]{3}[0-9]Q~[0-9A-Za-z_~.-]{31,34}"),
    Detector("github-token",    "secret",   form=r"gh[pousr]_[0-9A-Za-z]{16,}|github_pat_[0-9A-Za-z_]{20,}"),
    Detector("gitlab-token",    "secret",   form=r"(?:gl(?:pat|dt|rt|rtr|cbt|ptt|ft|imt|agent|soat|oas|ffct)|gloas)-[0-9A-Za-z_.-]{14,}|GR1348941[0-9A-Za-z_-]{20}"),
    Detector("slack-token",     "secret",   form=r"xox[a-z]-[0-9A-Za-z-]{8,}|xapp-[0-9A-Za-z-]{10,}|xoxe-[0-9A-Za-z-]{20,}|xoxe\.xox[bp]-[0-9A-Za-z-]{20,}"),
    Detector("slack-webhook",   "secret",   form=r"\b(T[0-9A-Z]{7,}/B[0-9A-Z]{7,}/[0-9A-Za-z]{16,})", across=True),
    Detector("chat-webhook",    "secret",   form=r"hooks\.zapier\.com/hooks/catch/([0-9]+/[0-9A-Za-z]{6,})|webhookb2/([0-9a-f-]{36}@[^\s\"'<>]{20,})|/v1/spaces/[^/\s]{4,}/messages\?([^\s\"'<>]*token=[^\s\"'<>]{8,})", across=True),
    Detector("discord",         "secret",   form=r"\b[MNO][0-9A-Za-z_-]{23,27}\.[0-9A-Za-z_-]{6}\.[0-9A-Za-z_-]{27,}|webhooks/[0-9]{15,}/([0-9A-Za-z_-]{30,})", across=True),
    Detector("stripe-key",      "secret",   form=r"(?:sk|rk|pk)_(?:live|test|prod)_[0-9A-Za-z]{10,}|whsec_[0-9A-Za-z+/=]{16,}|\b(?:seti|pi|cs)_[0-9A-Za-z_]{8,}_secret_[0-9A-Za-z]{8,}"),
    Detector("sendgrid-key",    "secret",   form=r"\bSG\.[0-9A-Za-z_-]{16,}\.[0-9A-Za-z_-]{16,}"),
    Detector("twilio-key",      "secret",   form=r"\b(?:AC|SK)[0-9a-f]{32}\b"),
    Detector("mail-key",        "secret",   form=r"\bkey-[0-9a-f]{32}\b|\b[0-9a-f]{32}-us[0-9]{1,2}\b|(?:xkeysib|xsmtpsib)-[0-9a-f]{64}-[0-9A-Za-z]{16}|\b(?:pubkey|private-api-key)-[0-9a-f]{32}\b|\bre_[0-9A-Za-z]{8}_[0-9A-Za-z]{24}\b|\bMC[.-][0-9A-Za-z_-]{22}\.[0-9A-Za-z_-]{22}"),
    Detector("ai-key",          "secret",   form=r"\bsk-(?:proj-|svcacct-|admin-|ant-|or-|lf-)?[0-9A-Za-z_-]{20,}|\bhf_[A-Za-z]{30,}|\br8_[0-9A-Za-z]{30,}|\bgsk_[0-9A-Za-z]{40,}|\b(?:pplx-|xai-|tgp_v1_|nvapi-|jina_|csk-)[0-9A-Za-z_]{24,}|\bls(?:v2)?_(?:pt|sk)_[0-9a-f]{20,}[0-9a-f_]*|\bapi_org_[A-Za-z]{30,}"),
    Detector("registry-token",  "secret",   form=r"\bnpm_[0-9A-Za-z]{20,}|pypi-[0-9A-Za-z_-]{20,}|\brubygems_[0-9a-f]{40,}|\bcio[0-9A-Za-z]{32}\b|dckr_(?:pat|oat)_[0-9A-Za-z_-]{20,}|\boy2[a-z0-9]{43}\b|\bAKCp[0-9][0-9A-Za-z]{50,}|\bcmVmdGtu[0-9A-Za-z]{50,}|\bCLOJARS_[0-9a-z]{50,}|\bjfrt@[0-9a-z]{20,}"),
    Detector("shop-token",      "secret",   form=r"\bshp(?:at|ca|pa|ss|tka|ua)_[0-9A-Fa-f]{20,}|\b(?:EAAA|sq0[a-z]{3}-)[0-9A-Za-z_-]{20,}|\bEAA[0-9A-Za-z]{60,}"),
    Detector("payment-key",     "secret",   form=r"\bEZ[AT]K[0-9A-Za-z]{50,}|\b(?:access|link)-(?:sandbox|development|production)-[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}|\bshippo_(?:live|test)_[0-9a-f]{32,}|access_token\$(?:production|sandbox)\$[0-9a-z]{16}\$[0-9a-f]{32}|\bFLW(?:PUB|SEC)K(?:_TEST)?-[0-9a-zA-Z-]{12,}|\b(?:rzp|paystack|duffel|razorpay)_(?:live|test)_[0-9A-Za-z_=-]{14,}"),
    Detector("vault-token",     "secret",   form=r"\bhv[sbr]\.[0-9A-Za-z_-]{20,}|\bs\.[0-9A-Za-z]{24}\b|\bops_eyJ[0-9A-Za-z_=-]{40,}|\bA3-[A-Z0-9]{6}-(?:[A-Z0-9]{11}|[A-Z0-9]{6}-[A-Z0-9]{5})-[A-Z0-9]{5}-[A-Z0-9]{5}-[A-Z0-9]{5}\b"),
    Detector("telegram-token",  "secret",   form=r"(?:\b|bot)([0-9]{6,16}:[0-9A-Za-z_-]{25,})"),
    Detector("cloud-token",     "secret",   form=r"\bdo[opr]_v1_[0-9a-f]{32,}|\bdapi[0-9a-f]{32}|\bFlyV1 [0-9A-Za-z_=/+,-]{20,}|\bHRKU-[0-9A-Za-z_-]{30,}|\bLTAI[0-9A-Za-z]{12,20}\b|\bfo1_[0-9A-Za-z_-]{40,}|\bfm[12]r?_[0-9A-Za-z+/=,]{60,}|\bpscale_(?:tkn|pw|oauth|app_secret)_[0-9A-Za-z=._-]{24,}|\bsbp_[0-9a-f]{30,}|\bsb_secret_[0-9A-Za-z_-]{20,}|\b(?:nfp|rnd|vcp|vck|cfut|cfat)_[0-9A-Za-z]{20,}|\bv1\.0-[0-9a-f]{24}-[0-9a-f]{100,}|\bCFPAT-[0-9A-Za-z_-]{40,}|\bt1\.[A-Z0-9a-z_-]{20,}[=]{0,2}\.[0-9A-Za-z_-]{80,}|\bAQVN[0-9A-Za-z_-]{30,}|\b[ps]k\.eyJ[0-9A-Za-z_-]{40,}\.[0-9A-Za-z_-]{16,}|\btk-us-[0-9A-Za-z_-]{40,}"),
    Detector("devops-token",    "secret",   form=r"\bdp\.(?:pt|st|ct|sa|scim|audit)\.[0-9A-Za-z]{30,}|\bpul-[0-9a-f]{40}|[0-9A-Za-z]{14}\.atlasv1\.[0-9A-Za-z_=-]{40,}|\bgl(?:c|sa)_[0-9A-Za-z_=+/]{20,}|\bsgp_(?:[0-9A-Za-z]{16}_|local_)?[0-9a-f]{40}|\bsq[uapf][a]?_[0-9a-f]{40}\b|\bbk[au]{1,2}a?_[0-9a-f]{30,}|\bCCI(?:PAT|PRJ)_[0-9A-Za-z_]{20,}|\bpnu_[0-9A-Za-z]{30,}|\bico-[0-9A-Za-z]{32}\b|\bAPI-[A-Z0-9]{26}\b|\b(?:api|sdk|mob|rel)-[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}\b|\bdd(?:api|app|pat)_[0-9A-Za-z]{20,}|\btskey-[a-z]+-[0-9A-Za-z]{8,}-?[0-9A-Za-z]{10,}|\bsyt_[0-9A-Za-z]{4,}_[0-9A-Za-z]{16,}_[0-9A-Za-z]{6}"),
    Detector("service-token",   "secret",   form=r"\blin_(?:api|oauth)_[0-9A-Za-z]{20,}|\b(?:secret|ntn)_[0-9A-Za-z]{30,}|\bNR(?:AK|II|IQ|JS|RA)-[0-9A-Za-z_-]{16,}|ATATT3[0-9A-Za-z_=-]{50,}|\bpat[0-9A-Za-z]{14}\.[0-9a-f]{64}|\bPMAK-[0-9a-f-]{20,}|\bdt0c01\.[0-9A-Z]{24}\.[0-9A-Z]{64}|\bsntry[su]_[0-9A-Za-z_=+/]{20,}|\bfig(?:d|u|or|our)_[0-9A-Za-z_-]{30,}|\bpat-(?:na1|eu1|na2)-[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}|\btfp_[0-9A-Za-z_.=-]{40,}|\brdme_[0-9a-z]{50,}|\baio_[0-9A-Za-z]{26,}|\bfio-u-[0-9A-Za-z_=-]{50,}|\bsl\.(?:u\.)?[0-9A-Za-z_=-]{60,}|\bph[cx]_[0-9A-Za-z]{40,}|\bcal_(?:live|test)_[0-9a-f]{30,}|\bATBB[0-9A-Za-z]{24,}|\bATCTT3[0-9A-Za-z_=-]{50,}|\b00D[0-9A-Za-z]{12,15}![0-9A-Za-z._]{40,}"),
    Detector("otpauth",         "secret",   form=r"otpauth://[^\s\"'<>]+"),
    Detector("auth-scheme",     "secret",   form=r"(?i)\b(?:bearer|basic|token|digest|negotiate)\s+([0-9a-z._~+/=-]{10,})", check="opaque"),
    Detector("stored-hash",     "secret",   form=r"\$(?:2[abxy]|argon2(?:id|i|d)|scrypt|pbkdf2[a-z0-9-]*|[156]|y|7)\$[0-9A-Za-z./+=,$-]{20,}|\{SSHA(?:256|512)?\}[0-9A-Za-z+/=]{20,}|\bpbkdf2_sha(?:1|256)\$[0-9]+\$[^\s\"'<>]{20,}"),
    Detector("connection-url",  "secret",   form=r"(?i)\b(?:postgres(?:ql)?|mysql2?|mariadb|mongodb(?:\+srv)?|rediss?|amqps?|mssql|sqlserver|oracle|clickhouse|cassandra|couchdb|neo4j(?:\+s)?|bolt|s?ftps?|smtps?|imaps?|ldaps?|mqtts?|nats|kafka|snowflake|jdbc:[a-z0-9:]+)://([^\s/:@?#\"'<>]*:[^\s\"'<>]*[/@?#][^\s\"'<>]*)@"),
    Detector("userinfo",        "secret",   form=r"[a-z][a-z0-9+.-]*://([^\s/:@?#\"'<>]*:[^\s/@?#\"'<>]+)@"),
    Detector("user-token",      "secret",   form=r"(?i)\bhttps?://([^\s/:@?#\"'<>]{12,})@", check="opaque"),
    Detector("url-credential",  "secret",   form=r"(?i)[?&;#](?:[a-z0-9_.~-]*(?:password|passwd|pwd|secret|token|api_?key|signature|credential|session_?id)|sig|jwt|otp|x-amz-security-token)=([^&#\s\"'<>;]{3,})", check="something"),
    Detector("url-code",        "secret",   form=r"(?i)[?&;#](?:auth|code|key|policy|session|s?sid|state|nonce|h|hash|hmac)=([^&#\s\"'<>;]{8,})", check="long_opaque"),
    Detector("assignment",      "secret",   form=r"(?i)(?:password|passwd|pwd|passphrase|secret|token|api[_-]?key|apikey|access[_-]?key|accountkey|client[_-]?secret|sharedaccesskey|private[_-]?key)[\"']?\s{0,3}:?=>?\s{0,3}[\"']?([^\s\"'&,;<>]{4,})", check="something"),
    Detector("quoted",          "secret",   form=r"(?i)(?:password|passwd|pwd|passphrase|passcode|secret|token|api[_-]?key|access[_-]?key|private[_-]?key|\bpin|\botp|\bcvv|\bcvc|\bssn)\\{0,2}[\"']?\s{0,3}[:=]\s{0,3}\\{0,2}[\"']([^\"'\\\n]{1,200})[\"'\\]", check="something"),
    Detector("tagged",          "secret",   form=r"(?i)<(?:[a-z0-9_]+:)?[a-z0-9_.-]{0,40}(?:password|passwd|pwd|passphrase|secret|token|api_?key|access_?key|private_?key|credential|pin|otp|cvv|ssn)(?:\s[^<>]{0,120})?>([^<>]{1,400})</", check="something"),
    Detector("command-line",    "secret",   form=r"(?i)(?:^|\s)--?(?:password|passwd|pass|token|secret|api-?key|access-key|auth-token)[ =][\"']?([^\s\"'-][^\s\"']{3,})|\bcurl\b[^\n]{0,300}\s(?:-u|--user)[ =]?[\"']?([^\s:\"']{0,80}:[^\s\"']+)", check="something"),
    Detector("mention",         "secret",   form=r"(?i)(?:password|passwd|pwd|passphrase|secret|token|api[_-]?key|apikey|access[_-]?key|client[_-]?secret|private[_-]?key)[\"']?\s{0,2}:\s{0,3}[\"']?([^\s\"'&,;<>]{6,})", check="opaque"),
    # --- people by form ------------------------------------------------------------------------------------------------------------
    Detector("email",           "email",    form=r"[^\s@<>()\[\]\\,;:\"'/=&?|`{}]+@(?:[^\s@<>()\[\]\\,;:\"'./=&?#%|`{}]+\.)+[^\s@<>()\[\]\\,;:\"'./=&?#%|`{}0-9]{2,}"),
    Detector("iban",            "iban",     form=r"(?i)\b[a-z]{2}[0-9]{2}(?: ?[0-9a-z]{4}){2,7}(?: ?[0-9a-z]{1,4})?\b", check="iban"),
    Detector("card",            "card",     form=r"\b[2-6][0-9]{3}[ -]?[0-9]{4}[ -]?[0-9]{4}[ -]?[0-9]{1,7}\b|\b3[0-9]{3}[ -]?[0-9]{6}[ -]?[0-9]{4,5}\b", check="card"),
    Detector("card-mention",    "card",     form=r"(?i)\b(?:cards?|paid|payment|pan|visa|mastercard|amex|debit|credit)\b[^0-9\n]{0,20}\b([2-6][0-9]{3}[ -]?[0-9]{4}[ -]?[0-9]{4}[ -]?[0-9]{3,7})\b", check="card_digits"),
    Detector("phone",           "phone",    form=r"(?:^|[^0-9A-Za-z+])(\+[1-9][0-9]{0,2}[ .()/-]{0,3}(?:[0-9][ .()/-]{0,3}){6,12}[0-9])\b|(?:^|[^0-9A-Za-z.-])(\(?[2-9][0-9]{2}\)?[ .-][2-9][0-9]{2}[ .-][0-9]{4})\b", check="phone"),
    Detector("phone-mention",   "phone",    form=r"(?i)\b(?:tel|telephone|phone|mobile|cell|fax|call|whatsapp|telefon|handy|mobil)\b[^0-9+\n]{0,12}(\+?\(?[0-9][0-9 ()./-]{5,18}[0-9])\b|(?:^|[^0-9A-Za-z.-])(00[1-9][0-9]{0,2}[ ./-](?:[0-9][ ./-]?){6,11}[0-9])\b", check="phone"),
    Detector("ssn",             "ssn",      form=r"\b([0-9]{3}-[0-9]{2}-[0-9]{4})\b|(?i:\b(?:ssn|social security(?: number| no\.?)?)\b)[^0-9\n]{0,12}([0-9]{3} ?[0-9]{2} ?[0-9]{4})\b"),
    # --- numbers of people, by the check digits of their country (`national`) ----------------------------------------------------------
    Detector("at-svnr",         "ssn",      form=r"\b[1-9][0-9]{3} (?:0[1-9]|[12][0-9]|3[01])(?:0[1-9]|1[0-2])[0-9]{2}\b", check="at_svnr", strict=True),
    Detector("be-rrn",          "ssn",      form=r"\b[0-9]{2}\.[0-9]{2}\.[0-9]{2}-[0-9]{3}\.[0-9]{2}\b", check="be_rrn", strict=True),
    Detector("br-cpf",          "ssn",      form=r"\b[0-9]{3}\.[0-9]{3}\.[0-9]{3}-[0-9]{2}\b|(?i:\bcpf\b)[^0-9\n]{0,12}([0-9]{11})\b", check="br_cpf", strict=True),
    Detector("ca-sin",          "ssn",      form=r"\b[1-79][0-9]{2}[ -][0-9]{3}[ -][0-9]{3}\b", check="ca_sin", strict=True),
    Detector("ch-ahv",          "ssn",      form=r"\b756\.?[0-9]{4}\.?[0-9]{4}\.?[0-9]{2}\b", check="ch_ahv", strict=True),
    Detector("cn-id",           "ssn",      form=r"\b[1-9][0-9]{5}(?:19|20)[0-9]{2}(?:0[1-9]|1[0-2])(?:0[1-9]|[12][0-9]|3[01])[0-9]{3}[0-9Xx]\b", check="cn_id", strict=True),
    Detector("de-idnr",         "ssn",      form=r"\b[1-9][0-9] ?[0-9]{3} ?[0-9]{3} ?[0-9]{3}\b", check="de_idnr", strict=True),
    Detector("es-dni",          "ssn",      form=r"\b(?:[0-9]{8}|[XYZ]-?[0-9]{7})-?[A-HJ-NP-TV-Z]\b", check="es_dni", strict=True),
    Detector("fi-hetu",         "ssn",      form=r"\b(?:0[1-9]|[12][0-9]|3[01])(?:0[1-9]|1[0-2])[0-9]{2}[-+A-FU-Y][0-9]{3}[0-9A-FHJ-NPR-Y]\b", check="fi_hetu", strict=True),
    Detector("fr-nir",          "ssn",      form=r"\b[12] ?[0-9]{2} ?(?:0[1-9]|1[0-2]|[2-9][0-9]) ?(?:[0-9]{2}|2[AB]) ?[0-9]{3} ?[0-9]{3} ?[0-9]{2}\b", check="fr_nir", strict=True),
    Detector("gb-nino",         "ssn",      form=r"\b[A-CEGHJ-PR-TW-Z][A-CEGHJ-NPR-TW-Z] ?[0-9]{2} ?[0-9]{2} ?[0-9]{2} ?[A-D]\b", check="gb_nino", strict=True),
    Detector("in-aadhaar",      "ssn",      form=r"\b[2-9][0-9]{3}[ -][0-9]{4}[ -][0-9]{4}\b", check="in_aadhaar", strict=True),
    Detector("it-fiscal-code",  "ssn",      form=r"\b[A-Z]{6}[0-9LMNP-V]{2}[A-EHLMPRST][0-9LMNP-V]{2}[A-Z][0-9LMNP-V]{3}[A-Z]\b", check="it_fiscal_code", strict=True),
    Detector("kr-rrn",          "ssn",      form=r"\b[0-9]{2}(?:0[1-9]|1[0-2])(?:0[1-9]|[12][0-9]|3[01])-[1-8][0-9]{6}\b", strict=True),
    Detector("mx-curp",         "ssn",      form=r"\b[A-Z]{4}[0-9]{2}(?:0[1-9]|1[0-2])(?:0[1-9]|[12][0-9]|3[01])[HMX][A-Z]{5}[0-9A-Z][0-9]\b", strict=True),
    Detector("pl-pesel",        "ssn",      form=r"(?i:\bpesel\b)[^0-9\n]{0,12}([0-9]{11})\b", check="pl_pesel", strict=True),
    Detector("se-personnummer", "ssn",      form=r"\b(?:19|20)?[0-9]{2}(?:0[1-9]|1[0-2])(?:0[1-9]|[12][0-9]|3[01])[-+][0-9]{4}\b", check="se_personnummer", strict=True),
    Detector("passport-lines",  "ssn",      form=r"[PIAC][A-Z<][A-Z]{3}[A-Z0-9<]{20,}[<]{2}[A-Z0-9<]*", strict=True),
    # --- addresses of machines and places ----------------------------------------------------------------------------------------------
    Detector("ipv4",            "ipv4",     form=r"(?:^|[^0-9A-Za-z.])([0-9]{1,3}\.[0-9]{1,3}\.[0-9]{1,3}\.[0-9]{1,3})(?:[^0-9A-Za-z.]|$)", check="ip", strict=True),
    Detector("ipv6",            "ipv6",     form=r"(?i)\b((?:[0-9a-f]{1,4}:){7}[0-9a-f]{1,4}|(?:[0-9a-f]{1,4}:){1,6}(?::[0-9a-f]{1,4}){1,6})\b|(?:^|[^0-9a-z:])((?:[0-9a-f]{1,4}:){2,7}:)(?:[^0-9a-z:]|$)", check="ip", strict=True),
    Detector("mac",             "mac",      form=r"(?i)\b([0-9a-f]{2}(?::[0-9a-f]{2}){5}|[0-9a-f]{2}(?:-[0-9a-f]{2}){5}|[0-9a-f]{4}\.[0-9a-f]{4}\.[0-9a-f]{4})\b", strict=True),
    # --- people by name ------------------------------------------------------------------------------------------------------------
    Detector("email-name",      "email",    ("email", "e mail", "mail", "email address", "mail address", "mailto", "recovery email"), check="mailed"),
    Detector("phone-name",      "phone",    ("phone", "phone number", "telephone", "telephone number", "tel", "mobile", "mobile number", "mobile phone", "cell",
                                             "cell phone", "fax", "fax number", "msisdn", "phone no", "mobile no", "tel no", "contact number", "whatsapp", "home phone", "work phone",
                                             "telefon", "telefonnummer", "handynummer", "telefono", "celular"), check="phone"),
    Detector("card-name",       "card",     ("card number", "cardnumber", "pan", "credit card", "credit card number", "cc number", "ccnum", "card no", "debit card",
                                             "account card", "=cc", "primary account number"), check="card_digits"),
    Detector("iban-name",       "iban",     ("iban", "iban number"), check="numbered"),
    Detector("account-name",    "account",  ("bban", "bank account", "account number", "bank account number", "routing number", "sort code",
                                             "bank code", "swift code"), check="numbered"),
    Detector("national-id",     "ssn",      ("ssn", "social security number", "social security", "tax id", "taxpayer id", "tax number", "national id",
                                             "national insurance number", "national identification number", "nino", "passport", "passport number",
                                             "passport no", "driver license", "drivers license", "driver license number", "driving licence", "nhs number",
                                             "medicare number", "aadhaar", "aadhar", "cpf", "cnpj", "dni", "nif", "nie", "curp", "pesel", "personnummer",
                                             "bsn", "=sin", "id card number", "identity number", "steuernummer", "health card number", "steuer id", "steuer idnr",
                                             "steuer identifikationsnummer", "idnr", "sozialversicherungsnummer", "svnr", "rentenversicherungsnummer", "=nir", "insee",
                                             "insee number", "securite sociale", "codice fiscale", "fiscal code", "burgerservicenummer", "cedula", "=rut", "cuit", "cuil",
                                             "=hetu", "cpr number", "fodselsnummer", "ppsn", "=tfn", "tax file number", "social insurance number", "itin",
                                             "resident registration number", "=rrn", "nric", "hkid", "ahv number", "ahv nummer", "avs number", "my number",
                                             "personal number", "personal code", "medical record number", "mrn", "insurance number", "voter id", "emirates id",
                                             "id number", "passport id", "license plate", "licence plate", "number plate", "cpf cnpj"), check="numbered"),
    Detector("ip-name",         "ipv4",     ("ip", "ip address", "client ip", "remote ip", "remote addr", "remote address", "source ip", "user ip", "last ip",
                                             "login ip", "x forwarded for", "x real ip", "forwarded for", "peer address"), check="ip", strict=True),
    Detector("mac-name",        "mac",      ("mac", "mac address", "hardware address", "hwaddr", "ether address", "bssid"), check="hardware", strict=True),
    Detector("geo",             "geo",      ("lat", "latitude", "lng", "lon", "longitude", "latlng", "lat lng", "lat long", "geo", "geo point", "geolocation",
                                             "gps", "gps coordinates", "coordinates", "coords"), check="located", strict=True),
    Detector("birth-date",      "date",     ("birth date", "date of birth", "dob", "birthday", "birthdate", "birth day", "geburtsdatum", "born", "born on",
                                             "date naissance", "date de naissance", "fecha nacimiento", "fecha de nacimiento", "data nascimento", "geboortedatum"), check="dated", strict=True),
    Detector("person-name",     "name",     ("first name", "last name", "full name", "given name", "family name", "surname", "middle name", "maiden name",
                                             "firstname", "lastname", "fullname", "nickname", "contact name", "customer name", "cardholder name",
                                             "card holder name", "cardholder", "account holder", "account holder name", "holder name", "recipient name",
                                             "owner name", "patient name", "employee name", "legal name", "user name", "username", "vorname",
                                             "nachname", "apellido", "nombre completo", "spouse name", "mother name", "emergency contact"), check="lettered", strict=True),
    Detector("name-of-person",  "name",     ("=name", "display name", "=title name"), check="lettered", strict=True, under=_PEOPLE),
    Detector("street",          "address",  ("street", "street address", "street name", "address line", "address", "house number", "home address", "mailing address",
                                             "postal address", "billing address", "shipping address", "delivery address", "strasse", "straße", "hausnummer", "adresse", "anschrift", "=rue", "calle", "direccion",
                                             "indirizzo", "endereco", "logradouro", "residence", "street line"), check="placed", strict=True),
    Detector("postal-code",     "address",  ("zip", "zip code", "zipcode", "postal code", "postcode", "plz", "codigo postal", "code postal", "=cep"), check="postal", strict=True),
    # --- what looks random, last: nothing more exact was found -----------------------------------------------------------------------
    Detector("encoded",         "secret",   form=_RUN, check="hides"),
    Detector("escaped",         "secret",   form=r"[^\s\"'<>]*%[0-9A-Fa-f]{2}[^\s\"'<>]*", check="hides_escaped"),
    Detector("entropy",         "token",    form=_RUN, check="random"),
)
# fmt: on

NEVER: Final = (
    "page token",
    "next token",
    "continuation token",
    "sync token",
    "prev token",
    "previous token",
    "start token",
    "cursor token",
    "max token",
    "design token",
    "sort key",
    "partition key",
    "primary key",
    "foreign key",
    "object key",
    "idempotency key",
    "translation key",
)
"""Names that only look like credentials: pagination, sorting, keys of tables."""

_WORDS_FOR_DIGESTS: Final = (
    "checksum etag digest hash sha sha1 sha256 sha512 md5 crc commit revision rev fingerprint blob tree integrity oid thumbprint version"
)
DIGESTS: Final = frozenset(_WORDS_FOR_DIGESTS.split())
"""Words in whose fields a random-looking value is a digest of something public. Only the last resort, `entropy`, heeds them."""
