package io.icefield.policy.rules;

import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/// Tells from names alone which columns hold personal data. It knows English names in any spelling (`e_mail`,
/// `EmailAddress`, `emailaddress`), and asks what the table is about where the column's name does not say it: `name` is
/// a person's in `customers`, and nobody's in `products`.
///
/// @param more tags and the names that mean them, beyond those built in; the first that matches wins
/// @param ignored columns that are never personal data; matched like `more` against the name, the path, and the path
///     after the table's name and a dot
public record PiiNames(Map<String, List<NamePattern>> more, List<NamePattern> ignored) {
    public static final PiiNames BUILT_IN = new PiiNames(Map.of(), List.of());

    public static final String NAME = "pii.name";
    public static final String EMAIL = "pii.email";
    public static final String PHONE = "pii.phone";
    public static final String ADDRESS = "pii.address";
    public static final String POSTAL_CODE = "pii.postal_code";
    public static final String NATIONAL_ID = "pii.national_id";
    public static final String CREDIT_CARD = "pii.credit_card";
    public static final String IBAN = "pii.iban";
    public static final String IP_ADDRESS = "pii.ip_address";
    public static final String DATE_OF_BIRTH = "pii.date_of_birth";
    public static final String GEO_LOCATION = "pii.geo_location";
    public static final String USERNAME = "pii.username";
    public static final String GENDER = "pii.gender";
    public static final String SALARY = "pii.salary";
    public static final String FREE_TEXT = "pii.free_text";
    public static final String OTHER = "pii.other";

    /// What it can find by itself.
    public static final List<String> TAGS = List.of(
            NAME,
            EMAIL,
            PHONE,
            ADDRESS,
            POSTAL_CODE,
            NATIONAL_ID,
            CREDIT_CARD,
            IBAN,
            IP_ADDRESS,
            DATE_OF_BIRTH,
            GEO_LOCATION,
            USERNAME,
            GENDER,
            SALARY,
            FREE_TEXT,
            OTHER);

    public PiiNames {
        // Not Map.copyOf: of two tags that match, the one written first must win every time.
        more = Collections.unmodifiableMap(new LinkedHashMap<>(more));
        ignored = List.copyOf(ignored);
    }

    private static final int WORD_SPLIT_MAX = 40;

    /// Human beings.
    private static final Set<String> PEOPLE = words("""
            actor applicant assistant attendee author beneficiary borrower buyer candidate cardholder caregiver child
            citizen claimant client colleague consignee contributor coworker customer cust defendant delegate dependent
            doctor donor driver emp employee employer enrollee expert follower friend guardian guest holder immigrant
            individual inmate instructor insured investor invitee judge lawyer learner lessee manager member nurse
            offender owner parent participant passenger patient payee payer pensioner people person personnel physician
            player policyholder practitioner professor prospect provider publican pupil purchaser reader recipient
            recruit referee rep representative resident respondent reviewer rider salesman salesperson sender
            shareholder shopper sibling signatory spouse staff student subscriber suspect tenant teacher traveler
            traveller trainee trustee user victim visitor volunteer voter witness worker
            """);

    /// Those whose address and telephone are somebody's, though they may be companies.
    private static final Set<String> CONTACTS = words("""
            contact supplier vendor seller merchant partner agent contractor freelancer
            """);

    /// Places of business: an address or telephone there is a contact too, a name is not.
    private static final Set<String> PREMISES = words("""
            address branch clinic delivery hotel invoice location office order organisation organization practice
            publisher purchase reseller retailer school shipment shipper shop store company site
            """);

    /// Places as such: where a place is concerns nobody.
    private static final Set<String> PLACES = words("""
            airport area borough centroid city county country district earthquake geography geo municipality neighborhood
            neighbourhood place postcode province region state station territory town zip zipcode zone
            """);

    private static final Set<String> GOODS = words("""
            app brand device machine model part product server sku smartphone
            """);

    /// Says what kind of table it is, not what it is about.
    private static final Set<String> TABLE_FILLERS = words("""
            account all archive backup base bronze clean copy current curated data demographic detail dim dimension
            directory directorie export extract fact feed gold hist history import info information landing latest list
            load master profile raw record register registry scd silver snapshot source staging stage stg table tbl temp
            tmp v vw view
            """);

    /// Follows a name without changing what it names.
    private static final Set<String> NAME_FILLERS = words("""
            clean column current decrypted field former latest masked new normalised normalized old original plain
            previous primary raw secondary str string text txt val value alternate alternative alt main preferred
            home work business office private personal mobile
            """);

    /// A column that begins so is a yes or a no, or a number of things.
    private static final Set<String> QUESTIONS = words("""
            is has have can should was allow allows enable enabled count num number_of no_of total sum avg average mean
            median min max pct percent share ratio
            """);

    /// Words that compounds written as one may consist of.
    private static final Set<String> PARTS = words("""
            account addr address birth business cell city client code contact country credit card company customer data
            date day debit delivery digit display driver driving email employee expiry family fax file first full gender
            given home host identity income insurance invoice last latitude legal license licence line location login
            logon longitude maiden mail middle mobile month monthly name national nick number official order passport
            password person phone postal post product remote salary screen security shipping billing social source store
            street sur table tax telephone type user work year yearly zip fname lname hash hashed preferred annual
            hourly rate pay ip of id no ship history detail
            """);

    private static final List<String> GIVEN = phrases("""
            first name, last name, middle name, given name, family name, maiden name, birth name,
            fore name, forename, sur name, surname, fname, lname, mname, first nm, last nm,
            preferred name, nick name, nickname, middle initial, minit, full name, complete name,
            legal name, name first, name last, name middle, name given, name full, name on card,
            person name, patronymic, cardholder, account holder, fullname, holder name, billing name, emergency contact, next of
            kin, mother name, father name, firstname, lastname, initial name
            """);

    private static final List<String> MAILS = phrases("""
            email, email address, email addr, email id address, mail address, email adress, email
            contact
            """);

    private static final List<String> PHONES = phrases("""
            phone, telephone, fax, facsimile, cellphone, cell phone, mobile phone, msisdn, tel,
            whatsapp, phone number, phone no, phone num, phone nbr, phone nr, telephone number,
            telephone no, telephone num, telephone nr, tel number, tel no, tel nr, fax number, fax
            no, fax num, fax nr, mobile number, mobile no, mobile num, mobile nr, cell number, cell
            no, contact number, contact no, whatsapp number, phone work, phone home, phone mobile,
            phone office, phone cell, landline, phone ext, phone extension
            """);

    private static final List<String> ADDRESSES = phrases("""
            street, street address, street name, street number, street no, house number, house no,
            address line, addr line, address street, addr street, street line, apartment number,
            apartment no, flat number, po box, post box, full address, home addr, line address
            """);

    /// Whose address it is.
    private static final Set<String> ADDRESS_OF = words("""
            billing bill shipping ship delivery deliver home mailing mail postal physical residential residence
            work permanent current previous invoice person private legal registered correspondence contact office
            business store
            """);

    private static final List<String> POSTCODES = phrases("""
            postal code, post code, postcode, postal cd, zip, zip code, zip cd, zipcode, plz,
            eircode, pin code, zip plus
            """);

    private static final List<String> IDENTITIES = phrases("""
            ssn, social security, social security number, social security no, social insurance
            number, national id, national id number, national id no, national identity, national
            identity number, national identification number, national insurance number, national
            insurance no, nino, passport, passport number, passport no, passport num, passport nr,
            passport id, driver license, driver licence, driving license, driving licence, driver
            license number, driver licence number, driving license number, driving licence number,
            driver license no, driving licence no, license plate holder, tax id, tax id number, tax
            identifier, tax identification number, tax number, tax no, taxpayer id, tin, identity
            card, identity card number, id card number, id card no, identity number, identity
            document, personal identification number, personal id, citizen id, personal number,
            personnummer, fiscal code, codice fiscale, cpf, curp, aadhaar, aadhar, aadhaar number,
            nif, dni, nhs number, medicare number
            """);

    private static final List<String> CARDS = phrases("""
            credit card, creditcard, credit card number, credit card no, credit card num, credit
            card nr, debit card, debit card number, card number, card no, card num, card nbr, cc
            number, cc no, cc num, card pan, primary account number, ccnum, payment card
            """);

    private static final List<String> IPS = phrases("""
            ip, ip address, ip addr, ipaddr, ipaddress, ipv, remote addr, remote address, client
            address, x forwarded for, forwarded for
            """);

    private static final List<String> BIRTHS = phrases("""
            birth date, birth day, birthday, birthdate, birth dt, birth year, birth month, date of
            birth, day of birth, year of birth, month of birth, dob, yob, date birth, year birth,
            born on, born date, born at
            """);

    private static final List<String> LOGINS = phrases("""
            username, user name, login name, logon name, login id, logon id, login, logon, user
            login, user logon, screen name, screenname, twitter handle, user handle, account login,
            usr name, signin name
            """);

    private static final List<String> PAY = phrases("""
            salary, wage, remuneration, pay rate, hourly rate, hourly pay, base pay, gross pay, net
            pay, annual pay, monthly pay, take home pay, compensation, payroll amount, yearly
            income, annual income, monthly income, household income, family income, personal income,
            salary amount, salary amt, salary usd, salary eur, salary gbp, base salary, income
            yearly, income annual, income monthly, salary annual, salary monthly, salary current
            """);

    private static final List<String> OTHERS = phrases("""
            password, passwd, pwd, password hash, hash password, hashed password, password salt,
            password digest, passphrase, pin number, security answer, secret answer, ethnicity,
            ethnic group, ethnic origin, religion, religious belief, political party affiliation,
            political opinion, political view, sexual orientation, blood type, blood group,
            diagnosis, disability, medical condition, medical history, medical record number, mrn, health
            condition, mac address, imei, license plate, licence plate, bank account, bank account
            number, bank account no, bban, cvv, cvc, card security code, fingerprint template,
            biometric, trade union membership, criminal record
            """);

    private static final List<String> TEXTS =
            List.of("resume", "biography", "curriculum vitae", "cv text", "cover letter");

    private static final Set<String> TALK = words("""
            review feedback ticket complaint conversation chat message survey support case incident
            """);

    private static Set<String> words(String text) {
        return Set.of(text.strip().split("\\s+"));
    }

    /// Each begins with a space, so that it ends a name only as whole words.
    private static List<String> phrases(String text) {
        return Stream.of(text.strip().replaceAll("\\s+", " ").split(", "))
                .map(phrase -> " " + phrase)
                .toList();
    }

    /// The tag that this column should have, or empty when its name says nothing personal.
    ///
    /// @param table the table's own name
    /// @param path names from the root, joined by dots
    /// @param type Iceberg type as text; a type that cannot hold the data rules it out
    public Optional<String> tag(String table, String path, String type) {
        return tag(table, List.of(path.split("\\.")), type);
    }

    /// The same, for a path whose steps are known.
    public Optional<String> tag(String table, List<String> steps, String type) {
        if (steps.isEmpty()) {
            return Optional.empty();
        }
        String path = String.join(".", steps);
        List<String> spellings = List.of(steps.getLast(), path, table + "." + path);
        if (ignored.stream().anyMatch(pattern -> spellings.stream().anyMatch(pattern::matches))) {
            return Optional.empty();
        }
        for (Map.Entry<String, List<NamePattern>> entry : more.entrySet()) {
            if (entry.getValue().stream().anyMatch(pattern -> spellings.stream().anyMatch(pattern::matches))) {
                return Optional.of(entry.getKey());
            }
        }
        return builtIn(table, steps, type.strip().toLowerCase(Locale.ROOT));
    }

    private static Optional<String> builtIn(String table, List<String> steps, String type) {
        List<String> real = steps.stream().filter(step -> !isNameless(step)).toList();
        if (real.isEmpty()) {
            return Optional.empty();
        }
        Subject about = Subject.of(table);
        List<String> holder = List.of();
        for (String step : real.subList(0, real.size() - 1)) {
            holder = split(step);
            about = about.inside(holder);
        }
        List<String> own = about.withoutPrefix(split(real.getLast()));
        Optional<String> tag = read(own, about).filter(found -> canHold(found, type));
        if (tag.isPresent() || holder.isEmpty()) {
            return tag;
        }
        // `phone.number` and `birth.date` say it together.
        List<String> together = Stream.concat(holder.stream(), own.stream()).toList();
        return read(together, about).filter(found -> canHold(found, type));
    }

    private static boolean isNameless(String step) {
        return step.equals("element") || step.equals("key") || step.equals("value");
    }

    private static boolean canHold(String tag, String type) {
        boolean text = type.startsWith("string")
                || type.startsWith("list")
                || type.startsWith("map")
                || type.startsWith("struct")
                || type.startsWith("variant");
        boolean whole = type.equals("int") || type.equals("long") || type.startsWith("decimal");
        boolean number = whole || type.equals("float") || type.equals("double");
        boolean bytes = type.startsWith("binary") || type.startsWith("fixed");
        boolean day = type.startsWith("date") || type.startsWith("timestamp");
        return switch (tag) {
            case DATE_OF_BIRTH -> text || day || whole;
            case SALARY, GEO_LOCATION -> text || number || type.startsWith("geo") || bytes;
            case PHONE, NATIONAL_ID, CREDIT_CARD, POSTAL_CODE, GENDER -> text || whole || bytes;
            case IP_ADDRESS, OTHER -> text || whole || bytes || type.equals("uuid");
            default -> text || bytes;
        };
    }

    private static Optional<String> read(List<String> words, Subject about) {
        if (words.isEmpty() || QUESTIONS.contains(words.getFirst())) {
            return Optional.empty();
        }
        Optional<String> tag = exactly(words, about);
        List<String> core = words;
        while (tag.isEmpty() && core.size() > 1 && NAME_FILLERS.contains(core.getLast())) {
            core = core.subList(0, core.size() - 1);
            tag = exactly(core, about);
        }
        return tag;
    }

    private static Optional<String> exactly(List<String> words, Subject about) {
        String name = " " + String.join(" ", words);
        String last = words.getLast();
        String before = words.size() > 1 ? words.get(words.size() - 2) : "";
        if (endsWith(name, BIRTHS)) {
            return Optional.of(DATE_OF_BIRTH);
        }
        if (endsWith(name, MAILS) || (last.equals("mail") && words.size() == 1 && about.isContact())) {
            return Optional.of(EMAIL);
        }
        if (endsWith(name, OTHERS)
                || (about.isPerson()
                        && words.size() == 1
                        && Set.of("race", "pin").contains(last))) {
            return Optional.of(OTHER);
        }
        if (endsWith(name, IPS)) {
            return Optional.of(IP_ADDRESS);
        }
        if (endsWith(name, IDENTITIES)) {
            return Optional.of(NATIONAL_ID);
        }
        if (endsWith(name, CARDS) && !mentions(words, Set.of("gift", "loyalty", "library", "id", "reward", "score"))) {
            return Optional.of(CREDIT_CARD);
        }
        if (words.size() == 1
                && Set.of("cc", "pan").contains(last)
                && (about.isPerson() || about.mentions("payment", "card"))) {
            return Optional.of(CREDIT_CARD);
        }
        if (last.equals("iban") || endsWith(name, List.of(" iban number", " iban no", " iban code"))) {
            return Optional.of(IBAN);
        }
        if (endsWith(name, LOGINS) && !mentions(words, Set.of("last", "first", "failed", "date", "time"))) {
            return Optional.of(USERNAME);
        }
        if (isPhone(name, words, about)) {
            return Optional.of(PHONE);
        }
        if (endsWith(name, POSTCODES) && !(about.isPlace() && words.size() <= 2)) {
            return Optional.of(POSTAL_CODE);
        }
        if (isAddress(name, words, about)) {
            return Optional.of(ADDRESS);
        }
        if (Set.of("gender", "sex").contains(last) && (words.size() == 1 || isPeople(before))) {
            return Optional.of(GENDER);
        }
        if (isPay(name, words, about)) {
            return Optional.of(SALARY);
        }
        if (isWhere(words, about)) {
            return Optional.of(GEO_LOCATION);
        }
        if (isFreeText(name, words, about)) {
            return Optional.of(FREE_TEXT);
        }
        return isName(name, words, about) ? Optional.of(NAME) : Optional.empty();
    }

    private static boolean isPhone(String name, List<String> words, Subject about) {
        boolean bare = words.size() == 1;
        if (bare && Set.of("mobile", "cell").contains(words.getLast())) {
            return about.isContact();
        }
        return endsWith(name, PHONES) && !(about.isGoods() && words.size() <= 2) && !mentions(words, GOODS);
    }

    private static boolean isAddress(String name, List<String> words, Subject about) {
        if (mentions(words, Set.of("web", "url", "memory", "network", "wallet", "block"))) {
            return false;
        }
        if (endsWith(name, ADDRESSES)) {
            return !about.isPlace() || words.size() > 2;
        }
        String last = words.getLast();
        if (!Set.of("address", "addr", "adress").contains(last)) {
            return false;
        }
        if (words.size() == 1) {
            return about.isContact() || about.isPremises();
        }
        String before = words.get(words.size() - 2);
        return ADDRESS_OF.contains(before)
                || isPeople(before)
                || CONTACTS.contains(before)
                || PREMISES.contains(before);
    }

    private static boolean isPay(String name, List<String> words, Subject about) {
        if (mentions(words, Set.of("median", "mean", "average", "avg", "min", "max", "minimum", "maximum", "band"))) {
            return false;
        }
        if (endsWith(name, PAY)) {
            return true;
        }
        String last = words.getLast();
        return words.size() == 1
                && ((Set.of("income", "bonus", "pay").contains(last) && about.isPerson())
                        || (Set.of("rate", "amount", "amt", "gross", "net").contains(last)
                                && about.mentions("pay", "payroll", "salary", "wage")
                                && !about.mentions("tax")));
    }

    private static boolean isWhere(List<String> words, Subject about) {
        String last = words.getLast();
        boolean coordinate = Set.of(
                        "latitude",
                        "longitude",
                        "lat",
                        "lon",
                        "lng",
                        "latlong",
                        "latlng",
                        "geolocation",
                        "gps",
                        "coordinate",
                        "coord",
                        "geopoint")
                .contains(last);
        boolean located = last.equals("location") && mentions(words, Set.of("geo", "gps", "home"));
        return (coordinate || located)
                && (about.concernsPeople()
                        || words.stream().anyMatch(PiiNames::isPeople)
                        || mentions(words, Set.of("home", "pickup", "dropoff", "residence", "delivery", "billing")));
    }

    private static boolean isFreeText(String name, List<String> words, Subject about) {
        if (endsWith(name, TEXTS) || (words.size() == 1 && words.getLast().equals("bio"))) {
            return true;
        }
        // The plural is text about the row's subject; a single `comment` is more often a remark on the record.
        boolean talk =
                words.size() == 1 && Set.of("comments", "notes", "remarks").contains(words.getLast());
        boolean message = words.size() == 1 && words.getLast().equals("message");
        return (talk && (about.concernsPeople() || about.mentionsAny(TALK)))
                || (message
                        && about.mentions("auth", "chat", "conversation", "ticket", "support", "feedback", "inbox"));
    }

    private static boolean isName(String name, List<String> words, Subject about) {
        if (endsWith(name, GIVEN)) {
            boolean ofThing =
                    mentions(words, GOODS) || mentions(words, Set.of("file", "table", "host", "domain", "path"));
            boolean weak = endsWith(
                    name,
                    List.of(
                            " full name",
                            " name full",
                            " legal name",
                            " preferred name",
                            " family name",
                            " nickname",
                            " nick name"));
            return !ofThing && !(weak && (about.isPlace() || about.isGoods() || about.isPremises()));
        }
        String last = words.getLast();
        if (!Set.of("name", "nm").contains(last)) {
            return false;
        }
        if (words.size() == 1 || name.equals(" display name")) {
            return about.isContact();
        }
        String before = words.get(words.size() - 2);
        return isPeople(before) || CONTACTS.contains(before);
    }

    private static boolean isPeople(String word) {
        return PEOPLE.contains(word);
    }

    private static boolean mentions(List<String> words, Set<String> any) {
        return words.stream().anyMatch(any::contains);
    }

    private static boolean endsWith(String name, List<String> phrases) {
        return phrases.stream().anyMatch(name::endsWith);
    }

    /// The words of a name: numbers dropped, compounds taken apart, `e mail` put together, plurals made singular.
    private static List<String> split(String name) {
        List<String> words = new ArrayList<>();
        for (String word : Words.of(name)) {
            if (Character.isDigit(word.codePointAt(0))) {
                continue;
            }
            for (String part : parts(word)) {
                if (part.equals("mail") && !words.isEmpty() && words.getLast().equals("e")) {
                    words.set(words.size() - 1, "email");
                } else {
                    words.add(keepsPlural(part) ? part : singular(part));
                }
            }
        }
        return words;
    }

    private static boolean keepsPlural(String word) {
        return word.equals("comments") || word.equals("notes") || word.equals("remarks");
    }

    /// `emailaddress` is `email address`: the fewest known words that make up the whole word, or the word itself.
    private static List<String> parts(String word) {
        if (word.length() > WORD_SPLIT_MAX || isPart(word)) {
            return List.of(word);
        }
        List<Optional<List<String>>> best = new ArrayList<>();
        best.add(Optional.of(List.of()));
        for (int end = 1; end <= word.length(); end++) {
            Optional<List<String>> shortest = Optional.empty();
            for (int start = 0; start < end; start++) {
                Optional<List<String>> head = best.get(start);
                String tail = word.substring(start, end);
                boolean known = isPart(tail) || isPart(singular(tail));
                if (known
                        && head.isPresent()
                        && shortest.map(List::size).orElse(99) > head.get().size() + 1) {
                    shortest = Optional.of(
                            Stream.concat(head.get().stream(), Stream.of(tail)).toList());
                }
            }
            best.add(shortest);
        }
        return best.getLast().orElse(List.of(word));
    }

    private static boolean isPart(String word) {
        return PARTS.contains(word)
                || (word.length() >= 4
                        && (PEOPLE.contains(word) || PREMISES.contains(word) || CONTACTS.contains(word)));
    }

    static String singular(String word) {
        if (word.length() < 4
                || !word.endsWith("s")
                || word.endsWith("ss")
                || word.endsWith("us")
                || word.endsWith("is")) {
            return word;
        }
        if (word.endsWith("ies")) {
            return word.substring(0, word.length() - 3) + "y";
        }
        if (word.endsWith("sses") || word.endsWith("xes") || word.endsWith("ches") || word.endsWith("shes")) {
            return word.substring(0, word.length() - 2);
        }
        return word.substring(0, word.length() - 1);
    }

    /// What a table, or a struct in it, is about: its name's words, and the one that the others only describe.
    private record Subject(List<String> words, String head) {
        static Subject of(String table) {
            return of(split(table));
        }

        private static Subject of(List<String> words) {
            List<String> core = words;
            while (core.size() > 1 && TABLE_FILLERS.contains(core.getLast())) {
                core = core.subList(0, core.size() - 1);
            }
            return new Subject(words, core.isEmpty() ? "" : core.getLast());
        }

        /// A struct called `customer` is about customers; one called `details` about what the table is.
        Subject inside(List<String> struct) {
            Subject inner = of(struct);
            boolean says = !inner.head().isEmpty() && !TABLE_FILLERS.contains(inner.head());
            return says ? inner : this;
        }

        /// `c_name` in `customer`, `cd_gender` in `customer_demographics`, `stor_address` in `stores` begin with an
        /// abbreviation of their table.
        List<String> withoutPrefix(List<String> column) {
            if (column.size() < 2) {
                return column;
            }
            String first = column.getFirst();
            boolean abbreviates = !PARTS.contains(first)
                    && (words.stream().anyMatch(word -> word.startsWith(first)) || first.equals(initials()));
            return abbreviates ? column.subList(1, column.size()) : column;
        }

        private String initials() {
            return words.stream().map(word -> word.substring(0, 1)).collect(Collectors.joining());
        }

        boolean isPerson() {
            return PEOPLE.contains(head);
        }

        boolean isContact() {
            return isPerson() || CONTACTS.contains(head);
        }

        boolean isPremises() {
            return PREMISES.contains(head);
        }

        boolean isPlace() {
            return PLACES.contains(head) || mentions("zip", "postal");
        }

        boolean isGoods() {
            return GOODS.contains(head);
        }

        boolean concernsPeople() {
            return words.stream().anyMatch(PiiNames::isPeople) || (words.contains("demographic") && !isPlace());
        }

        boolean mentions(String... any) {
            return mentionsAny(Set.of(any));
        }

        boolean mentionsAny(Set<String> any) {
            return PiiNames.mentions(words, any);
        }
    }
}
