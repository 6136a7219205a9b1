package io.icefield.storage.s3;

import io.icefield.storage.RequestSigner.OutOfReach;
import java.io.StringReader;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import javax.xml.stream.XMLInputFactory;
import javax.xml.stream.XMLStreamConstants;
import javax.xml.stream.XMLStreamException;
import javax.xml.stream.XMLStreamReader;

/// The body of S3's DeleteObjects, read so strictly that no other reader can find other keys in it.
final class BulkDelete {
    /// What S3 takes.
    private static final int KEYS_MAX = 1_000;

    private static final Set<String> PLACES =
            Set.of("/Delete", "/Delete/Quiet", "/Delete/Object", "/Delete/Object/Key");

    private BulkDelete() {}

    /// The keys that it deletes. Throws [OutOfReach] for anything but `Delete`, `Quiet`, `Object` and `Key`.
    static List<String> keys(String body) {
        XMLInputFactory factory = XMLInputFactory.newDefaultFactory();
        factory.setProperty(XMLInputFactory.SUPPORT_DTD, false);
        factory.setProperty(XMLInputFactory.IS_SUPPORTING_EXTERNAL_ENTITIES, false);
        factory.setProperty(XMLInputFactory.IS_COALESCING, true);
        List<String> keys = new ArrayList<>();
        try {
            XMLStreamReader xml = factory.createXMLStreamReader(new StringReader(body));
            String place = "";
            int keysBefore = 0;
            StringBuilder text = new StringBuilder();
            while (xml.hasNext()) {
                switch (xml.next()) {
                    case XMLStreamConstants.START_ELEMENT -> {
                        place = place + "/" + xml.getLocalName();
                        if (!PLACES.contains(place) || xml.getAttributeCount() > 0 || !blank(text)) {
                            throw new OutOfReach(
                                    "the deletion has `%s`, which is not signed".formatted(S3Call.shown(place)));
                        }
                        keysBefore = place.equals("/Delete/Object") ? keys.size() : keysBefore;
                        text.setLength(0);
                    }
                    case XMLStreamConstants.CHARACTERS, XMLStreamConstants.SPACE -> text.append(xml.getText());
                    case XMLStreamConstants.END_ELEMENT -> {
                        if (place.equals("/Delete/Object/Key")) {
                            keys.add(key(text.toString()));
                        } else if (place.equals("/Delete/Object") && keys.size() != keysBefore + 1) {
                            throw new OutOfReach("an object of a deletion has one key");
                        } else if (!place.equals("/Delete/Quiet") && !blank(text)) {
                            throw new OutOfReach("the deletion has text between its elements");
                        }
                        text.setLength(0);
                        place = place.substring(0, place.lastIndexOf('/'));
                    }
                    case XMLStreamConstants.START_DOCUMENT, XMLStreamConstants.END_DOCUMENT -> {}
                    default -> throw new OutOfReach("the deletion is more than elements and text");
                }
            }
        } catch (XMLStreamException e) {
            throw new OutOfReach("the deletion is not well-formed XML");
        }
        if (keys.isEmpty() || keys.size() > KEYS_MAX) {
            throw new OutOfReach("a deletion names 1 to %d objects, this one %d".formatted(KEYS_MAX, keys.size()));
        }
        return keys;
    }

    private static String key(String text) {
        if (!text.equals(text.strip())) {
            throw new OutOfReach("a key of the deletion begins or ends with a blank");
        }
        return text;
    }

    private static boolean blank(CharSequence text) {
        return text.toString().isBlank();
    }
}
