package io.icefield.policy.rules;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class PiiNamesTest {
    private static Optional<String> tag(String table, String path, String type) {
        return PiiNames.BUILT_IN.tag(table, path, type);
    }

    @ParameterizedTest
    @CsvSource(textBlock = """
            customer,           c_name,                 string, pii.name
            customer,           c_phone,                string, pii.phone
            customer,           c_address,              string, pii.address
            supplier,           s_name,                 string, pii.name
            supplier,           s_phone,                string, pii.phone
            supplier,           s_address,              string, pii.address
            orders,             customer_name,          string, pii.name
            orders,             contact_name,           string, pii.name
            people,             FirstName,              string, pii.name
            people,             first-name,             string, pii.name
            people,             firstname,              string, pii.name
            anything,           LAST_NAME,              string, pii.name
            anything,           mothers_maiden_name,    string, pii.name
            anything,           fname,                  string, pii.name
            dim_customer,       name,                   string, pii.name
            customers_v2,       name,                   string, pii.name
            user_profiles,      display_name,           string, pii.name
            hospital_patients,  name,                   string, pii.name
            team_members,       full_name,              string, pii.name
            anything,           email,                  string, pii.email
            anything,           e_mail,                 string, pii.email
            anything,           EMailAddress,           string, pii.email
            anything,           emailaddress2,          string, pii.email
            anything,           mail_address,           string, pii.email
            anything,           billing_email_new,      string, pii.email
            subscriptions,      emails,                 list,   pii.email
            anything,           phone_number,           string, pii.phone
            anything,           PhoneNumber,            long,   pii.phone
            anything,           mobile_no,              string, pii.phone
            employees,          mobile,                 string, pii.phone
            anything,           home_phone,             string, pii.phone
            anything,           fax,                    string, pii.phone
            anything,           tel,                    string, pii.phone
            orders,             ship_address,           string, pii.address
            anything,           street,                 string, pii.address
            anything,           address_line_1,         string, pii.address
            anything,           addressline1,           string, pii.address
            anything,           AddressLine2,           string, pii.address
            anything,           addr_line,              string, pii.address
            stores,             stor_address,           string, pii.address
            anything,           delivery_address,       string, pii.address
            anything,           postal_code,            string, pii.postal_code
            anything,           zip,                    int,    pii.postal_code
            anything,           PostCode,               string, pii.postal_code
            anything,           ssn,                    string, pii.national_id
            anything,           national_id,            long,   pii.national_id
            anything,           NationalIDNumber,       string, pii.national_id
            anything,           passport_no,            string, pii.national_id
            anything,           driving_licence_number, string, pii.national_id
            anything,           drivers_license,        string, pii.national_id
            anything,           tax_id,                 string, pii.national_id
            anything,           credit_card_number,     string, pii.credit_card
            anything,           card_number,            long,   pii.credit_card
            payments,           pan,                    string, pii.credit_card
            users,              cc,                     string, pii.credit_card
            anything,           iban,                   string, pii.iban
            anything,           account_iban,           string, pii.iban
            access_log,         client_ip,              string, pii.ip_address
            access_log,         clientip,               string, pii.ip_address
            access_log,         ip_address,             string, pii.ip_address
            anything,           birth_date,             date,   pii.date_of_birth
            anything,           birthdate,              date,   pii.date_of_birth
            anything,           date_of_birth,          timestamp, pii.date_of_birth
            anything,           DOB,                    date,   pii.date_of_birth
            anything,           birth_year,             int,    pii.date_of_birth
            customers,          latitude,               double, pii.geo_location
            trips,              pickup_longitude,       double, pii.geo_location
            anything,           user_name,              string, pii.username
            anything,           LoginID,                string, pii.username
            anything,           gender,                 string, pii.gender
            customer_demographics, cd_gender,           string, pii.gender
            payments,           cardholder,             string, pii.name
            people,             sex,                    string, pii.gender
            anything,           salary,                 'decimal(9, 2)', pii.salary
            anything,           hourly_rate,            double, pii.salary
            pay_history,        rate,                   double, pii.salary
            candidates,         resume,                 string, pii.free_text
            product_reviews,    comments,               string, pii.free_text
            anything,           password_hash,          string, pii.other
            anything,           bank_account_number,    string, pii.other
            people,             téléphone,              string, pii.phone
            """)
    void findsPersonalData(String table, String column, String type, String expected) {
        assertThat(tag(table, column, type)).contains(expected);
    }

    @ParameterizedTest
    @CsvSource(textBlock = """
            nation,             n_name,                 string
            region,             r_name,                 string
            part,               p_name,                 string
            orders,             o_clerk,                string
            orders,             o_comment,              string
            product,            name,                   string
            department,         d_name,                 string
            contact_type,       name,                   string
            customer_orders,    name,                   string
            stores,             name,                   string
            schools,            full_name,              string
            anything,           file_name,              string
            anything,           table_name,             string
            anything,           filename,               string
            anything,           host_name,              string
            anything,           hostname,               string
            anything,           company_name,           string
            anything,           email_promotion,        int
            anything,           email_address_id,       long
            anything,           email_verified,         boolean
            anything,           is_email,               string
            anything,           email,                  boolean
            anything,           address_type,           string
            anything,           address_id,             long
            person,             address_id,             string
            anything,           web_address,            string
            servers,            address,                string
            anything,           phone_number_type_id,   long
            anything,           phone_model,            string
            customers,          customer_id,            long
            customers,          account_number,         string
            anything,           credit_card_id,         long
            anything,           gift_card_number,       string
            anything,           iban_length,            int
            anything,           recipient_country,      string
            anything,           zip,                    double
            geography,          postal_code,            string
            zipcodes,           zip_code,               string
            airports,           latitude,               double
            airports,           lon,                    double
            anything,           last_login,             timestamp
            anything,           last_login,             string
            anything,           birth_country,          string
            births,             births,                 long
            states,             median_household_income, double
            jobs,               min_salary,             double
            anything,           salaried_flag,          string
            exchange_rates,     rate,                   double
            tax_rates,          rate,                   double
            titles,             notes,                  string
            anything,           description,            string
            anything,           status,                 string
            anything,           ship_date,              date
            anything,           tip,                    double
            anything,           zipped,                 string
            anything,           city,                   string
            """)
    void leavesTheRestAlone(String table, String column, String type) {
        assertThat(tag(table, column, type)).isEmpty();
    }

    @ParameterizedTest
    @CsvSource(textBlock = """
            orders, customer.name,              string, pii.name
            orders, product.name,               string, none
            customers, product.name,            string, none
            customers, details.name,            string, pii.name
            orders, name.first,                 string, pii.name
            orders, phone.number,               string, pii.phone
            orders, birth.date,                 date,   pii.date_of_birth
            orders, billing.address,            string, pii.address
            orders, address.type,               string, none
            orders, contacts.element.email,     string, pii.email
            orders, emails.element,             string, pii.email
            orders, owners.value.name,          string, pii.name
            """)
    void readsNestedFieldsWithWhatTheyAreIn(String table, String path, String type, String expected) {
        assertThat(tag(table, path, type).orElse("none")).isEqualTo(expected);
    }

    @Test
    void learnsMoreNamesAndWhatToIgnore() {
        PiiNames names = new PiiNames(
                Map.of("pii.loyalty_number", List.of(NamePattern.ignoringCase("loyalty_(no|number)"))),
                List.of(NamePattern.ignoringCase("stores\\.phone"), NamePattern.ignoringCase("fax")));
        assertThat(names.tag("sales", "Loyalty_No", "string")).contains("pii.loyalty_number");
        assertThat(names.tag("stores", "phone", "string")).isEmpty();
        assertThat(names.tag("customers", "phone", "string")).contains("pii.phone");
        assertThat(names.tag("customers", "fax", "string")).isEmpty();
    }

    @ParameterizedTest
    @CsvSource({"'',''", "a,''", "'','.'", "t,'...'", "t,'____'", "t,😀", "t,'\u0000'", "t,123", "😀,name"})
    void oddNamesAreNobody(String table, String column) {
        assertThat(tag(table, column, "string")).isEmpty();
    }

    @Test
    void endlessNamesCostLittle() {
        assertThat(tag("t", "a".repeat(1_000_000), "string")).isEmpty();
        assertThat(tag("t", "aB".repeat(100_000), "string")).isEmpty();
        assertThat(tag("t".repeat(100_000), "a_".repeat(100_000) + "email", "string"))
                .contains("pii.email");
    }
}
