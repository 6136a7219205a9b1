package io.icefield.storage;

import java.net.Inet6Address;
import java.net.InetAddress;
import java.util.Arrays;
import java.util.regex.Pattern;

/// Addresses with the same first bits.
public record Network(byte[] address, int bits) {
    private static final Pattern ADDRESS =
            Pattern.compile("[0-9]{1,3}(\\.[0-9]{1,3}){3}|[0-9a-fA-F:.]*:[0-9a-fA-F:.]*");

    /// `10.1.0.0/16`, or one address; throws `IllegalArgumentException` for what is neither.
    public static Network parse(String text) {
        int slash = text.indexOf('/');
        String address = slash < 0 ? text : text.substring(0, slash);
        try {
            if (!ADDRESS.matcher(address).matches()) {
                throw new IllegalArgumentException(address);
            }
            byte[] bytes = InetAddress.ofLiteral(address).getAddress();
            String bits = slash < 0 ? Integer.toString(bytes.length * 8) : text.substring(slash + 1);
            if (!bits.matches("[0-9]{1,3}") || Integer.parseInt(bits) > bytes.length * 8) {
                throw new IllegalArgumentException(bits);
            }
            return new Network(bytes, Integer.parseInt(bits));
        } catch (IllegalArgumentException e) {
            throw new IllegalArgumentException("`%s` is no network such as 10.1.0.0/16".formatted(text), e);
        }
    }

    public boolean contains(InetAddress other) {
        byte[] bytes = other.getAddress();
        if (other instanceof Inet6Address six && six.isIPv4CompatibleAddress() && address.length == 4) {
            bytes = Arrays.copyOfRange(bytes, 12, 16);
        }
        if (bytes.length != address.length) {
            return false;
        }
        for (int bit = 0; bit < bits; bit++) {
            int mask = 0x80 >> (bit % 8);
            if ((bytes[bit / 8] & mask) != (address[bit / 8] & mask)) {
                return false;
            }
        }
        return true;
    }

    @Override
    public boolean equals(Object other) {
        return other instanceof Network(byte[] bytes, int length) && length == bits && Arrays.equals(bytes, address);
    }

    @Override
    public int hashCode() {
        return Arrays.hashCode(address) * 31 + bits;
    }

    @Override
    public String toString() {
        return Arrays.toString(address) + "/" + bits;
    }
}
