import ca.uhn.fhir.context.FhirContext;
import ca.uhn.fhir.rest.api.EncodingEnum;
import ca.uhn.fhir.rest.server.RestfulServer;
import ca.uhn.fhir.rest.server.provider.HashMapResourceProvider;
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import org.eclipse.jetty.ee10.servlet.ServletContextHandler;
import org.eclipse.jetty.ee10.servlet.ServletHolder;
import org.eclipse.jetty.server.Server;
import org.hl7.fhir.r4.model.Patient;

/** Serves the Patients of standard input, one a line of JSON, at /fhir of the port args[0]. */
public class Plain {
  public static void main(String[] args) throws Exception {
    FhirContext context = FhirContext.forR4();
    HashMapResourceProvider<Patient> patients =
        new HashMapResourceProvider<>(context, Patient.class);
    var lines = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
    for (String line = lines.readLine(); line != null; line = lines.readLine()) {
      patients.store(context.newJsonParser().parseResource(Patient.class, line));
    }
    RestfulServer fhir = new RestfulServer(context);
    fhir.registerProvider(patients);
    fhir.setDefaultResponseEncoding(EncodingEnum.JSON);
    ServletContextHandler handler = new ServletContextHandler();
    handler.addServlet(new ServletHolder(fhir), "/fhir/*");
    Server server = new Server(Integer.parseInt(args[0]));
    server.setHandler(handler);
    server.start();
    server.join();
  }
}
