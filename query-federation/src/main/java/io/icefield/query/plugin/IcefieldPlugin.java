package io.icefield.query.plugin;

import io.trino.spi.Plugin;
import io.trino.spi.security.SystemAccessControl;
import io.trino.spi.security.SystemAccessControlFactory;
import java.util.List;
import java.util.Map;

/// What Trino finds in our plugin folder: an access control named `icefield`.
public final class IcefieldPlugin implements Plugin {
    @Override
    public Iterable<SystemAccessControlFactory> getSystemAccessControlFactories() {
        return List.of(new AccessControlFactory());
    }

    private static final class AccessControlFactory implements SystemAccessControlFactory {
        @Override
        public String getName() {
            return "icefield";
        }

        @Override
        public SystemAccessControl create(Map<String, String> config, SystemAccessControlContext context) {
            CatalogClient catalog = new CatalogClient(CatalogClient.Settings.from(config));
            return new CatalogAccessControl(catalog, context.getVersion());
        }
    }
}
